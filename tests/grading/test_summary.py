"""What an instructor is told of a batch adds up, names whose it is, and is kept in little room."""

from __future__ import annotations

import json
import re
import tracemalloc

import pytest

from nncheck.grades import AssignmentFacts, Grade, Graded, GroundFacts, Mark, Mistake, PartGrade, Status
from nncheck.grading.alike import Alike
from nncheck.grading.summary import Tally, text_of_mistake
from nncheck.language import use
from nncheck.report.grades.summary import summary_markdown, summary_text, whose
from nncheck.summary import Whose

from .classroom import correct

CHECKS = ("forward", "loss", "dW2", "dW")
FACTS = AssignmentFacts(
    title="Homework | 3", language="en", hints=2, digest="0" * 64, checks=tuple(("net", c, 2.5) for c in CHECKS)
)


def _graded(
    student: str,
    passed: str = "forward loss dW2 dW",
    mistakes: tuple[str, ...] = (),
    status: Status = "graded",
    follows: str = "",
    **own: object,
) -> Graded:
    marks = tuple(
        Mark(
            check=check,
            verdict="pass" if check in passed.split() else "wrong" if status == "graded" else "not-reached",
            points=2.5 * (check in passed.split()),
            of=2.5,
            follows="dW2" if check == follows else "",
        )
        for check in CHECKS
    )
    found = tuple(Mistake(id=id, quantity="dW", line=3, text="evidence") for id in mistakes)
    part = PartGrade(
        case="net", file="a.py", form="functions", status=status, reason="why", marks=marks, mistakes=found
    )
    grade = Grade(key="k", content="c", ground="process", parts=(part,))
    return Graded(student=student, label=f"{student}.py", grade=grade, **own)  # type: ignore[arg-type]


def test_statuses_come_with_the_graders_own_faults_first_and_with_whose_they_are() -> None:
    tally = Tally(FACTS).add_all(
        [
            _graded("ok"),
            _graded("slow", "forward", status="timed-out"),
            _graded("ours", "", status="grader-fault"),
            _graded("off", "", status="crashed"),
        ]
    )
    summary = tally.summary()
    assert [(one.status, one.count, one.whose.students) for one in summary.statuses] == [
        ("grader-fault", 1, ("ours",)),
        ("crashed", 1, ("off",)),
        ("timed-out", 1, ("slow",)),
        ("graded", 1, ()),
    ]
    assert summary.submissions == 4
    assert summary.scores is not None and summary.scores.count == 3  # a fault of ours is no score


@pytest.mark.parametrize(
    "points, bins",
    [
        ((10.0, 0.0), {0: 1, 9: 1}),
        ((2.5, 5.0, 7.5), {2: 1, 5: 1, 7: 1}),
        ((2.5, 2.5, 10.0), {2: 2, 9: 1}),
    ],
)
def test_scores_fall_into_ten_bins(points: tuple[float, ...], bins: dict[int, int]) -> None:
    names = " ".join(CHECKS).split()
    results = [_graded(str(i), " ".join(names[: int(p / 2.5)])) for i, p in enumerate(points)]
    scores = Tally(FACTS).add_all(results).summary().scores
    assert scores is not None
    assert {i: count for i, count in enumerate(scores.histogram) if count} == bins
    assert sum(scores.histogram) == len(points)
    assert (scores.least, scores.most) == (min(points), max(points))


def test_a_score_on_the_edge_of_a_bin_belongs_to_the_upper_one() -> None:
    of_one = AssignmentFacts(title="t", language="en", hints=2, digest="", checks=(("net", "dW", 0.1),) * 10)
    marks = tuple(Mark(check="dW", verdict="pass", points=0.1, of=0.1) for _ in range(3))
    part = PartGrade(case="net", file="", form="", status="graded", reason="", marks=marks)
    graded = Graded(student="a", label="a", grade=Grade(key="", content="", ground="", parts=(part,)))
    tally = Tally(of_one)
    tally.add(graded)
    scores = tally.summary().scores
    assert scores is not None and scores.histogram.index(1) == 3


def test_quartiles_and_mean() -> None:
    results = [_graded(str(i), " ".join(CHECKS[:i])) for i in range(5)]
    scores = Tally(FACTS).add_all(results).summary().scores
    assert scores is not None
    assert (scores.quartiles, scores.mean) == ((2.5, 5.0, 7.5), 5.0)


def test_checks_are_counted_by_verdict() -> None:
    results = [_graded("a"), _graded("b", "forward loss dW", follows="dW"), _graded("c", "forward", status="crashed")]
    checks = {c.check: c for c in Tally(FACTS).add_all(results).summary().checks}
    assert (checks["dW2"].passed, checks["dW2"].wrong, checks["dW2"].not_reached) == (1, 1, 1)
    assert (checks["dW"].passed, checks["dW"].follows) == (2, 1)
    assert checks["forward"].passed == 3


def test_mistakes_are_counted_once_a_submission_with_the_catalogues_words() -> None:
    results = [_graded(f"s{i}", "", ("db.mean", "db.mean", "value")) for i in range(8)]
    results += [_graded("t", "", ("act.missing",))]
    first, second, third = Tally(FACTS, names=3).add_all(results).summary().mistakes
    assert (first.id, first.count, first.whose.students, first.whose.more) == ("db.mean", 8, ("s0", "s1", "s2"), 5)
    assert first.text == "by averaging over the batch instead of summing"
    assert (second.id, second.text) == ("value", "a wrong value that no known mistake explains (dW)")
    assert (third.id, third.text) == ("act.missing", "by leaving out the derivative of the activation")


@pytest.mark.parametrize("id", ["upd.plus", "mom.stale", "adam.no_correction", "conv.half", "state", "code"])
def test_every_kind_of_mistake_has_its_words(id: str) -> None:
    assert text_of_mistake(Mistake(id=id, quantity=None, line=None, text="evidence")) != "evidence"


def test_names_are_cut_with_how_many_more() -> None:
    assert whose(Whose(students=("kim", "lee"), more=3)) == "kim, lee and 3 more"
    assert whose(Whose(students=("kim",))) == "kim"


def test_late_ones_are_counted() -> None:
    results = [_graded("a", late=True), _graded("b", late=True, late_penalty=10.0), _graded("c", also=("old.py",))]
    summary = Tally(FACTS).add_all(results).summary()
    assert (summary.late, summary.refused, summary.several) == (2, 1, 1)


def _whole() -> tuple[str, str]:
    alike = Alike()
    for student in ("kim", "lee"):
        alike.add(student, f"{student}.py", correct(1))
    results = [_graded("kim", "forward", ("db.mean",)), _graded("a|b", "", status="grader-fault"), _graded("lee")]
    ground = GroundFacts(name="process", held=("loop",), open=("network",), words="A process with limits.")
    summary = Tally(FACTS).add_all(results).summary(ground, alike.groups())
    json.dumps(summary.to_dict(), allow_nan=False)
    return summary_markdown(summary), summary_text(summary)


def test_the_summary_as_markdown_and_as_text_says_all_of_it() -> None:
    markdown, text = _whole()
    assert markdown.startswith("# Homework \\| 3\n")
    for said in (
        "submissions: 3",
        "the grader's own fault: 1",
        "Scores",
        "9 to 10",
        "db.mean",
        "kim, lee",
        "A process with limits.",
    ):
        assert said in markdown and said in text
    assert "a\\|b" in markdown and "a|b" in text
    assert "They say nothing of how the files came to be." in markdown.replace("\n", " ")
    assert all(len(line) <= 160 for line in text.split("\n"))


def test_an_empty_batch_has_a_summary_too() -> None:
    summary = Tally(FACTS).summary()
    assert (summary.submissions, summary.scores) == (0, None)
    assert "submissions: 0" in summary_markdown(summary)


def test_how_the_submissions_were_read_stands_at_the_end() -> None:
    summary = Tally(FACTS).summary()
    assert "How the submissions were read" not in summary_markdown(summary)
    told = summary_markdown(summary, ("Layout: plain", "Passed over: a|b.csv"))
    assert told.endswith("## How the submissions were read\n\n- Layout: plain\n- Passed over: a\\|b.csv\n")


def test_it_is_said_in_korean_too() -> None:
    english = _whole()
    with use("ko"):
        korean = _whole()
    for said, before in zip(korean, english):
        assert re.search("[가-힣]", said) and not re.search("[가-힣]", before)


def test_memory_does_not_grow_with_what_results_hold() -> None:
    tally = Tally(FACTS)

    def kept(count: int) -> int:
        for i in range(count):
            tally.add(_graded(f"student-{i}", "", ("db.mean", "act.missing"), status="crashed"))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    before = kept(2500)  # CPython keeps up to 2,000 tuples of each length for later
    after = kept(2000)
    tracemalloc.stop()
    assert after - before < 2000 * 20  # a score is eight bytes, an array has some room to grow
