"""Near-identical submissions, pointed out as a fact: which files share pieces that hardly anybody else has.

What everybody has is no evidence. Pieces of the file that students start from, and those that more than a tenth of the
class has, count for nothing; short solutions are alike by nature, so that a group needs enough rare pieces in common
and not a large share alone. Files that are the same byte by byte are a stronger fact of their own.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nncheck.grading.assignment import Assignment
from nncheck.grading.pieces import pieces_of
from nncheck.language import LANGUAGES, phrase, use
from nncheck.scaffold.student import student_text
from nncheck.summary import AlikeGroup, Likeness

#: A piece is common from there on: a tenth of the class, and more than so many, lest a few who share hide themselves.
COMMON_SHARE = 0.1
COMMON_COUNT = 5
#: Of the rare pieces of the larger of two, so many must be shared, and so many there must be. In made-up classes of 300
#: who write on their own and choose the same way to write a line half the time, the largest share was 0.56.
LEAST_SHARE, LARGE = 0.65, 300
LEAST_PIECES = 24
#: Hash functions of the sketch, and from what size of class on how many make up a band: two at the least share meet in
#: 98 of 100 or more, and of those that have little in common few do.
_HASHES = 132
_ROWS = ((30_000, 6), (3_000, 4), (0, 3))
#: A submission is held against so many others that fall into a bucket with it.
_NEIGHBOURS = 4
_CHUNK = 1 << 20  # pieces that are looked at at once

Pieces = NDArray[np.uint32]


class Alike:
    """Collects submissions and finds those that are nearly identical.

    It keeps of each submission its names and, of each different program, its pieces (some hundred bytes).

    Parameters
    ----------
    templates : iterable of str
        What students were given: `templates_of`.
    """

    def __init__(self, templates: Iterable[str] = ()) -> None:
        given = list(templates)
        self._given = {_digest(text) for text in given}
        sketches = [pieces_of(text) for text in given]
        self._given_programs = {sketch.program for sketch in sketches}
        self._given_pieces = (
            np.unique(np.concatenate([s.kept for s in sketches])) if sketches else np.zeros(0, dtype=np.uint32)
        )
        self._students: list[str] = []
        self._labels: list[str] = []
        self._texts: dict[bytes, int] = {}  # bytes of a file to its number
        self._programs: dict[bytes, int] = {}  # program to its number
        self._text_of, self._program_of = array("l"), array("l")  # of each submission
        self._program_of_text = array("l")
        self._ends = array("q", [0])  # where the pieces of each program end
        self._pieces = array("I")

    def __len__(self) -> int:
        return len(self._students)

    def add(self, student: str, label: str, text: str) -> None:
        """Add the code of one submission; of a notebook the code of its cells, of several files all of them."""
        digest = _digest(text)
        number = self._texts.get(digest)
        if number is None:
            number = self._texts[digest] = len(self._texts)
            self._program_of_text.append(-1 if digest in self._given or not text.strip() else self._program(text))
        self._students.append(student)
        self._labels.append(label)
        self._text_of.append(number)
        self._program_of.append(self._program_of_text[number])

    def _program(self, text: str) -> int:
        pieces = pieces_of(text)
        if pieces.program in self._given_programs:
            return -1
        number = self._programs.setdefault(pieces.program, len(self._programs))
        if number == len(self._ends) - 1:
            self._pieces.frombytes(pieces.kept.astype(np.uintc).tobytes())
            self._ends.append(len(self._pieces))
        return number

    def groups(self) -> tuple[AlikeGroup, ...]:
        """Return the groups, the strongest fact first; a submission is in one of each kind of likeness at most.

        A group whose files are all the same is told once, as that.
        """
        members = _Members(self._program_of, len(self._programs))
        rare = _Rare(self._ends, self._pieces, self._given_pieces, members, len(self))
        texts = _Members(self._text_of, len(self._texts))
        same = [number for number in texts.several() if self._program_of_text[number] >= 0]
        found = [self._group(texts.of(number), "bytes", 1.0, 0) for number in same]
        for programs, share, count in _clusters(rare, members, len(self)):
            who = sorted(i for program in programs for i in members.of(program))
            likeness: Likeness = "program" if len(programs) == 1 else "pieces"
            if likeness == "pieces" or len({self._text_of[i] for i in who}) > 1:
                found.append(self._group(who, likeness, share, count))
        told = [group for group in found if len(group.students) > 1]
        order: tuple[Likeness, ...] = ("bytes", "program", "pieces")
        return tuple(sorted(told, key=lambda g: (order.index(g.likeness), -g.share, -len(g.students), g.students)))

    def _group(self, who: Sequence[int], likeness: Likeness, share: float, count: int) -> AlikeGroup:
        labels = {self._students[i]: self._labels[i] for i in reversed(who)}  # each student once, the first of theirs
        ordered = list(dict.fromkeys(self._students[i] for i in who))
        return AlikeGroup(
            students=tuple(ordered),
            labels=tuple(labels[student] for student in ordered),
            likeness=likeness,
            share=round(share, 3),
            pieces=count,
            why=_why(likeness, share, count),
        )


def templates_of(assignment: Assignment) -> tuple[str, ...]:
    """Return what ``nncheck new CASE`` gives the students of an assignment, in every language."""
    texts = []
    for language in LANGUAGES:
        with use(language):
            texts += [student_text(p.case, f"{p.case.name}.py", p.case.name) for p in assignment.parts]
    return tuple(texts)


def _why(likeness: Likeness, share: float, count: int) -> str:
    if likeness == "bytes":
        return phrase("The files are the same, byte by byte.")
    if likeness == "program":
        return phrase(
            "The same program: only names, comments, layout, prints or the order of functions differ. It has {count} "
            "pieces that are rare in this class.",
            count=count,
        )
    return phrase(
        "{share:.0%} of the pieces that are rare in this class are shared, at least {count}; names, comments and "
        "layout are not looked at.",
        share=share,
        count=count,
    )


class _Rare:
    """The pieces of each program that are neither given nor common."""

    def __init__(self, ends: array[int], pieces: array[int], given: Pieces, members: _Members, class_size: int) -> None:
        flat = np.frombuffer(pieces, dtype=np.uintc) if len(pieces) else np.zeros(0, dtype=np.uint32)
        ends_ = np.array(ends, dtype=np.int64)
        left_out = np.union1d(_common(flat, ends_, members, class_size), given)
        keep = np.ones(len(flat), dtype=bool)
        for start in range(0, len(flat) if len(left_out) else 0, _CHUNK):
            part = flat[start : start + _CHUNK]
            places = np.minimum(np.searchsorted(left_out, part), len(left_out) - 1)
            keep[start : start + _CHUNK] = left_out[places] != part
        self._flat: Pieces = flat[keep].astype(np.uint32, copy=False)
        kept = [np.count_nonzero(keep[start:end]) for start, end in pairwise(ends_)]
        self._ends = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])

    def of(self, program: int) -> Pieces:
        """Return the rare pieces of a program, sorted."""
        return self._flat[self._ends[program] : self._ends[program + 1]]

    def __len__(self) -> int:
        return len(self._ends) - 1


def _common(flat: Pieces, ends: NDArray[np.int64], members: _Members, class_size: int) -> NDArray[np.uint32]:
    """Return the pieces that too many of a class have; a sixteenth of all at a time, so as to take little room."""
    several = members.several()
    again = np.concatenate([flat[ends[i] : ends[i + 1]] for i in several] or [flat[:0]])
    times = np.repeat(members.counts[np.array(several, dtype=np.int64)] - 1, [ends[i + 1] - ends[i] for i in several])
    found = []
    for part in range(16):
        distinct, having = np.unique(flat[flat >> 28 == part], return_counts=True)
        own = again >> 28 == part
        np.add.at(having, np.searchsorted(distinct, again[own]), times[own].astype(having.dtype))
        found.append(distinct[having > max(COMMON_COUNT, COMMON_SHARE * class_size)])
    return np.concatenate(found).astype(np.uint32)


def least_share(class_size: int) -> float:
    """Return the share from which two are told of: in a large class more pairs have much in common by chance."""
    return min(0.9, LEAST_SHARE + 0.1 * math.log10(max(1.0, class_size / LARGE)))


def _clusters(rare: _Rare, members: _Members, class_size: int) -> Iterator[tuple[list[int], float, int]]:
    """Yield programs that share enough rare pieces, the least share and how many pieces that is; or one of several."""
    parent = list(range(len(rare)))
    best: dict[int, tuple[float, int]] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    rows = next(rows for size, rows in _ROWS if class_size >= size)
    least = least_share(class_size)
    for a, b in _candidates(rare, rows):
        share, count = shared(rare.of(a), rare.of(b))
        if share >= least and count >= LEAST_PIECES:
            for one in (a, b):
                best[one] = max(best.get(one, (0.0, 0)), (share, count))
            parent[root(a)] = root(b)
    together: dict[int, list[int]] = {}
    for i in best:
        together.setdefault(root(i), []).append(i)
    for programs in together.values():
        yield sorted(programs), min(best[i][0] for i in programs), min(best[i][1] for i in programs)
    for program in members.several():
        if program not in best and len(rare.of(program)) >= LEAST_PIECES:
            yield [program], 1.0, len(rare.of(program))


def shared(a: Pieces, b: Pieces) -> tuple[float, int]:
    """Return which part of the larger one's pieces the other has too, and how many those are."""
    count = len(np.intersect1d(a, b, assume_unique=True))
    return count / max(1, len(a), len(b)), count


def _candidates(rare: _Rare, rows: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of programs that are worth comparing: those that meet in a bucket of some band, each pair once."""
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 1 << 63, _HASHES, dtype=np.uint64) | np.uint64(1)
    bands = _HASHES // rows
    mixing = rng.integers(1, 1 << 63, rows, dtype=np.uint64) | np.uint64(1)
    enough = [i for i in range(len(rare)) if len(rare.of(i)) >= LEAST_PIECES]
    keys = np.empty((len(enough), bands), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for row, i in enumerate(enough):
            hashed = rare.of(i).astype(np.uint64)[None, :] * factors[:, None]
            least = (hashed >> np.uint64(20)).min(axis=1).reshape(bands, rows)
            keys[row] = (least * mixing).sum(axis=1, dtype=np.uint64)
    pairs, met = np.zeros(0, dtype=np.int64), list[NDArray[np.int64]]()
    for band in range(bands):
        order = np.argsort(keys[:, band], kind="stable")  # so that the same neighbours meet in every band
        ordered = keys[order, band]
        for back in range(1, _NEIGHBOURS + 1):
            places = np.flatnonzero(ordered[back:] == ordered[:-back])
            met.append(order[places] * len(enough) + order[places + back])
        if band % 8 == 0 or band == bands - 1:  # now and then, so that what was met again takes no room
            pairs, met = np.unique(np.concatenate([pairs, *met])), []
    for pair in pairs:
        yield enough[pair // len(enough)], enough[pair % len(enough)]


class _Members:
    """Which submissions have each number, in the order in which they were added.

    Parameters
    ----------
    number_of : array of int
        Of each submission; -1 has none.
    count : int
        How many numbers there are.
    """

    def __init__(self, number_of: array[int], count: int) -> None:
        numbers = np.array(number_of, dtype=np.int64)
        self._order = np.argsort(numbers, kind="stable")
        self._starts = np.searchsorted(numbers[self._order], np.arange(count + 1))
        self.counts = np.diff(self._starts)

    def of(self, number: int) -> list[int]:
        """Return the submissions of a number."""
        return [int(i) for i in self._order[self._starts[number] : self._starts[number + 1]]]

    def several(self) -> list[int]:
        """Return the numbers of more than one submission."""
        return [int(number) for number in np.flatnonzero(self.counts > 1)]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
