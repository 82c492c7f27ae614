"""How much of a submission is read at most, and what is raised inside this package where it is too much."""

from __future__ import annotations

from nncheck.language import phrase

MEGABYTE = 1 << 20
#: Bytes of one file, and of all files of a submission, the archives among them that it is packed in.
FILE, SUBMISSION = 20 * MEGABYTE, 50 * MEGABYTE
#: Files of a submission that count.
FILES = 500
#: Bytes of a file of an unknown kind: larger ones are no code and no data of this course, and are left out.
OTHER = 1 * MEGABYTE
#: How deep archives may lie in each other.
NESTED = 2
#: Entries of a student's archive, those among them that do not count (node_modules) included.
ENTRIES = 50_000
#: A compressed archive may grow this much beyond SLACK bytes; deflate cannot do more than 1032, text does 3 to 10.
RATIO, SLACK = 200, 64 * MEGABYTE


class Unreadable(Exception):
    """Why a submission cannot be read: a sentence for the student."""


class Budget:
    """Counts what one submission has used."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0

    def spend(self, content: bytes, name: str) -> None:
        """Count a file that was read.

        Raises
        ------
        Unreadable
            If it is too large, or the submission is.
        """
        self.bytes += len(content)
        self.files += 1
        if len(content) > FILE:
            raise Unreadable(
                phrase(
                    "{file} is larger than {limit} MB; expected a program or a table. Leave large data out.",
                    file=name,
                    limit=FILE // MEGABYTE,
                )
            )
        if self.bytes > SUBMISSION:
            raise Unreadable(
                phrase(
                    "The submission holds more than {limit} MB unpacked; expected a few files of code. Leave large "
                    "data out.",
                    limit=SUBMISSION // MEGABYTE,
                )
            )
        if self.files > FILES:
            raise Unreadable(
                phrase(
                    "The submission holds more than {limit} files; expected a few. Hand in only your own work.",
                    limit=FILES,
                )
            )
