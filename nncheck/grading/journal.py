"""What was graded, stored as it arrives: an SQLite file that a killed grader loses nothing from and doubles nothing in.

Grades are kept by their key, so that a later run takes them from here. Beside them stands the roster, the submissions
of the newest run in their order, from which reports are read one by one: no list of results is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from nncheck.errors import InputError
from nncheck.grades import STATUSES, Grade, Graded, GroundFacts, Status
from nncheck.grading.carried import ground_facts
from nncheck.language import phrase
from nncheck.versions import __version__

NAME = "journal.sqlite"
#: Of the tables below; a journal of another one is refused.
VERSION = 1
_APPLICATION = 0x6E6E6763  # says to whom it looks that this SQLite file is ours

# Python objects stand as ASCII JSON: a file name that is no UTF-8 holds signs that SQLite's own text cannot.
_TABLES = """
CREATE TABLE grades (
    key TEXT PRIMARY KEY,   -- see key_of
    ground TEXT NOT NULL,   -- under which it ran: a result is one under any
    status TEXT NOT NULL,
    points REAL NOT NULL,
    total REAL NOT NULL,    -- points there are
    version TEXT NOT NULL,  -- of nncheck
    stored REAL NOT NULL,   -- when, in seconds since 1970
    grade TEXT NOT NULL     -- Grade.to_dict as JSON
);
CREATE TABLE grounds (
    name TEXT PRIMARY KEY,
    facts TEXT NOT NULL        -- GroundFacts as JSON, of two machines the weaker
);
CREATE TABLE roster (
    position INTEGER PRIMARY KEY,
    key TEXT NOT NULL,         -- empty where it is not needed
    student TEXT NOT NULL,     -- JSON
    penalty REAL NOT NULL,     -- points off for being late
    counts INTEGER NOT NULL,   -- whether it is the one of its student that counts
    facts TEXT NOT NULL        -- the rest of Graded as JSON
);
CREATE INDEX roster_student ON roster (student, counts)
"""

_BEST = """
WITH places AS (
    SELECT position, row_number() OVER (
        PARTITION BY student, CASE WHEN student = '""' THEN position END
        ORDER BY points IS NULL, status = 'grader-fault' DESC, max(0, points - penalty) DESC, position DESC
    ) AS place
    FROM roster LEFT JOIN grades USING (key)
)
UPDATE roster SET counts = (SELECT place = 1 FROM places WHERE places.position = roster.position)
"""

#: What is graded that has a grade already: nothing, the grader's own faults, or everything.
Again = Literal["nothing", "faults", "all"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One submission of the roster.

    Attributes
    ----------
    counts : bool
        Whether it is the one of its student that counts, or may be.
    key : str
        Of its grade; empty if it does not count.
    """

    student: str
    label: str
    counts: bool
    key: str
    name: str = ""
    submitted: str = ""
    late: bool = False
    late_penalty: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How the submissions that count ended.

    Attributes
    ----------
    submissions, counting, graded : int
        All, those that count, and those of them that have a grade.
    full : int
        How many have every point there is.
    mean : float or None
        Of the scores; None without any.
    of : float
        Points there are.
    statuses : mapping of status to int
        The worst first.
    """

    submissions: int
    counting: int
    graded: int
    full: int
    mean: float | None
    of: float
    statuses: Mapping[Status, int]


def key_of(content: str, assignment: str) -> str:
    """SHA-256 over the digests of a submission's content and of the assignment, and the version of nncheck."""
    return hashlib.sha256(f"{content}\n{assignment}\n{__version__}".encode()).hexdigest()


class Journal:
    """The journal of one output folder; nobody else can open it until it is closed or its process is gone.

    It holds the seeds of the probes: only its owner may read it.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        Here and in every method: if the file is damaged, something else, of another version, in use by another
        grader, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        with suppress(OSError), open(self.path, "xb", opener=_closed_to_others):
            pass  # what SQLite puts beside it has the same rights
        with self._said():
            # one second for the system to take back the lock of a grader that was killed just now
            self._base = sqlite3.connect(self.path, timeout=1.0, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._base.close()
                raise
        if os.name == "posix":
            for ending in ("", "-wal", "-shm"):  # of an earlier run, perhaps an older nncheck's
                with suppress(OSError):
                    os.chmod(f"{self.path}{ending}", 0o600)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the folder free."""
        with self._said():
            self._base.close()

    def put(self, grade: Grade) -> None:
        """Store a grade, in place of an older one of its key; once this returns, a kill does not lose it."""
        text = json.dumps(grade.to_dict(), allow_nan=False)
        row = (grade.key, grade.ground, grade.status, grade.points, grade.of, __version__, time.time(), text)
        with self._said():
            self._base.execute("INSERT OR REPLACE INTO grades VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, key: str) -> Grade | None:
        """Return the grade of a key."""
        with self._said():
            row = self._base.execute("SELECT grade FROM grades WHERE key = ?", (key,)).fetchone()
        return self._grade(row[0]) if row else None

    def __len__(self) -> int:
        with self._said():
            return int(self._base.execute("SELECT count(*) FROM grades").fetchone()[0])

    def put_ground(self, facts: GroundFacts) -> None:
        """Store what an isolation's self-test found, unless something weaker stands there under its name."""
        with self._said():
            row = self._base.execute("SELECT facts FROM grounds WHERE name = ?", (facts.name,)).fetchone()
            if row is None or _weakness(facts) > _weakness(ground_facts(json.loads(row[0]))):
                row = (facts.name, json.dumps(asdict(facts)))
                self._base.execute("INSERT OR REPLACE INTO grounds VALUES (?, ?)", row)

    def ground(self) -> GroundFacts | None:
        """Return the weakest isolation that a submission of the roster ran under; None before the first grade."""
        query = """SELECT facts FROM grounds WHERE name IN
            (SELECT DISTINCT ground FROM roster JOIN grades USING (key) WHERE counts)"""
        with self._said():
            found = [ground_facts(json.loads(row[0])) for row in self._base.execute(query)]
        return max(found, key=_weakness, default=None)

    def enrol(self, entries: Iterable[Entry]) -> None:
        """Replace the roster, whole or not at all."""
        with self._said(), self._whole():
            self._base.execute("DELETE FROM roster")
            rows = ((k, *_row(entry)) for k, entry in enumerate(entries))
            self._base.executemany("INSERT INTO roster VALUES (?, ?, ?, ?, ?, ?)", rows)

    def rekey(self, position: int, key: str) -> None:
        """Give a submission of the roster another key: its content has changed since."""
        with self._said():
            self._base.execute("UPDATE roster SET key = ? WHERE position = ?", (key, position))

    def choose_best(self) -> None:
        """Of each student, let the submission with the highest score count, the last of equal ones.

        One that the grader itself failed on comes first: it might be the best.
        """
        with self._said():
            self._base.execute(_BEST)

    def collect_pending(self, again: Again) -> int:
        """Note what is to be graded, each content once, and return how many there are."""
        query = """
            CREATE TEMP TABLE pending AS SELECT min(position) AS position, key FROM roster LEFT JOIN grades USING (key)
            WHERE counts AND (status IS NULL OR ? = 'all' OR (? = 'faults' AND status = 'grader-fault')) GROUP BY key
        """
        with self._said():
            with self._whole():
                self._base.execute("DROP TABLE IF EXISTS temp.pending")
                self._base.execute(query, (again, again))
            return int(self._base.execute("SELECT count(*) FROM pending").fetchone()[0])

    def pending(self) -> Iterator[tuple[int, str]]:
        """Go through position and key of what `collect_pending` noted, in order."""
        with self._said():
            # no `yield from`, which closes the cursor when a run breaks off: the journal may be closed by then
            for row in self._base.execute("SELECT position, key FROM pending ORDER BY position"):  # noqa: UP028
                yield row

    def known(self) -> int:
        """Return how many of the submissions that count need nothing of what is pending."""
        query = "SELECT count(*) FROM roster WHERE counts AND key NOT IN (SELECT key FROM pending)"
        with self._said():
            return int(self._base.execute(query).fetchone()[0])

    def counting(self) -> Iterator[int]:
        """Go through the positions of the submissions that count."""
        with self._said():
            for (position,) in self._base.execute("SELECT position FROM roster WHERE counts ORDER BY position"):
                yield position

    def tally(self) -> Tally:
        """Count how the submissions of the roster ended."""
        # as Graded.score rounds, so that 0.1 + 0.2 of 0.3 points is all of them
        query = """
            SELECT status, count(*), total(round(max(0, points - penalty), 6) >= total),
            total(round(max(0, points - penalty), 6)), max(total)
            FROM roster JOIN grades USING (key) WHERE counts GROUP BY status
        """
        with self._said():
            rows = {row[0]: row[1:] for row in self._base.execute(query)}
            number, counting = self._base.execute("SELECT count(*), total(counts) FROM roster").fetchone()
        graded = sum(row[0] for row in rows.values())
        return Tally(
            submissions=number,
            counting=int(counting),
            graded=graded,
            full=int(sum(row[1] for row in rows.values())),
            mean=sum(row[2] for row in rows.values()) / graded if graded else None,
            of=max((row[3] for row in rows.values()), default=0.0),
            statuses={status: rows[status][0] for status in STATUSES if status in rows},
        )

    def results(
        self, status: Status | None = None, own: Callable[[int, Grade], Grade] = lambda _, grade: grade
    ) -> Iterator[Graded]:
        """Go through the submissions that count and have a grade, in the order of the roster, one in memory at a time.

        Parameters
        ----------
        status : Status, optional
            Only those that ended so.
        own : callable
            Makes of the position and the grade of its content the grade of just that submission.
        """
        query = "SELECT position, student, facts, grade FROM roster JOIN grades USING (key) WHERE counts"
        query += " AND status = ?" if status else ""
        with self._said():
            for position, student, facts, grade in self._base.execute(
                f"{query} ORDER BY position", (status,) if status else ()
            ):
                yield Graded(
                    **json.loads(facts),
                    student=json.loads(student),
                    grade=own(position, self._grade(grade)),
                    also=self._others(position, student),
                )

    def _others(self, position: int, student: str) -> tuple[str, ...]:
        if student == '""':  # whose it is is unknown, so nothing else is known to be theirs
            return ()
        query = "SELECT facts FROM roster WHERE student = ? AND counts = 0 AND position != ? ORDER BY position"
        return tuple(json.loads(facts)["label"] for (facts,) in self._base.execute(query, (student, position)))

    def _grade(self, text: str) -> Grade:
        try:
            return Grade.from_dict(json.loads(text))
        except (ValueError, KeyError, TypeError):
            raise InputError(_damaged(self.path)) from None

    def _open(self) -> None:
        base = self._base
        # the lock of this mode is held from the first read to the end of the process; WAL then needs no shared memory
        base.execute("PRAGMA locking_mode = EXCLUSIVE")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last grades, which are graded again
        base.execute("BEGIN IMMEDIATE")
        application = base.execute("PRAGMA application_id").fetchone()[0]
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if not application and not base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _TABLES.split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA application_id = {_APPLICATION}")
            base.execute(f"PRAGMA user_version = {VERSION}")
        elif application != _APPLICATION:
            raise InputError(
                phrase(
                    "{path}: is an SQLite file, but not a journal of nncheck; name another folder with -o.",
                    path=self.path,
                )
            )
        elif version != VERSION:
            raise InputError(
                phrase(
                    "{path}: is a journal of version {version}, this nncheck writes version {own}; name another "
                    "folder with -o, or remove the journal to grade everything anew.",
                    path=self.path,
                    version=version,
                    own=VERSION,
                )
            )
        base.execute("COMMIT")
        if base.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise InputError(_damaged(self.path))

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what SQLite says into what a person can do about it."""
        try:
            yield
        except sqlite3.ProgrammingError:  # our own fault, and none of the file's
            raise
        except sqlite3.Error as error:
            raise InputError(_explained(self.path, error)) from None


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _row(entry: Entry) -> tuple[str, str, float, bool, str]:
    facts = {name: getattr(entry, name) for name in ("label", "name", "submitted", "late", "late_penalty")}
    return entry.key, json.dumps(entry.student), entry.late_penalty, entry.counts, json.dumps(facts)


def _weakness(facts: GroundFacts) -> tuple[int, int]:
    return len(facts.open), -len(facts.held)


def _explained(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return phrase(
            "{path}: another grader is at work on this folder; wait for it to end, or name another folder with -o.",
            path=path,
        )
    if "not a database" in text:
        return phrase(
            "{path}: is not a journal but some other file; name another folder with -o, or remove it.", path=path
        )
    if "malformed" in text:
        return _damaged(path)
    if "full" in text:
        return phrase(
            "{path}: the disk is full. What was graded so far is kept; make room, and run the same command again.",
            path=path,
        )
    return phrase("{path}: cannot be read or written ({reason}); is the folder writable?", path=path, reason=text)


def _damaged(path: Path) -> str:
    return phrase(
        "{path}: the journal is damaged, so its results cannot be trusted. Move it away, and run the same command "
        "again: everything is graded anew.",
        path=path,
    )
