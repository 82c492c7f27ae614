"""A new assignment works as it stands, in every language, with a secret of its own."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nncheck import case as cases
from nncheck import cli
from nncheck.errors import InputError
from nncheck.grading.assignment import Assignment, default_points
from nncheck.grading.assignment_file import read
from nncheck.grading.assignment_format import SECTIONS
from nncheck.language import LANGUAGES, use
from nncheck.scaffold import write_assignment


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def _call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["nncheck", "new", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code  # type: ignore[return-value]


def _write(name: str = "relu_sigmoid", output: Path | None = None, *, force: bool = False) -> Path:
    case = cases.find(name)
    return write_assignment(case, default_points(case), output, force=force)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", cases.names())
def test_it_reads_as_it_stands(name: str, language: str, here: Path) -> None:
    with use(language):
        path = _write(name)
    assert path == Path("assignment.toml")
    assignment = read(path)
    (part,) = assignment.parts
    assert (part.case.name, assignment.language) == (name, language)
    assert assignment.title == ("과제 1" if language == "ko" else "Homework 1")
    assert re.fullmatch("[0-9a-f]{64}", assignment.seed)
    text = path.read_text(encoding="utf-8")
    assert assignment.seed in text
    assert "$" not in text
    plain = Assignment(path=assignment.path, title="", parts=(part,), seed="")
    for field in ("hints", "follow_through", "convention_cost", "forms", "imports", "student", "multiple", "late"):
        assert getattr(assignment, field) == getattr(plain, field), (
            field
        )  # the values that stand there are the defaults
    assert (assignment.limits, part.file, part.steps) == (plain.limits, "", 100)
    assert part.points == default_points(part.case)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_stands_there_with_a_word_on_it(language: str, here: Path) -> None:
    with use(language):
        text = _write().read_text(encoding="utf-8")
    for section, table in SECTIONS.items():
        for name in table.model_fields:
            named = re.search(rf"^(# )?{name} = .* # .{{5,}}|\[+(cases\.)?{name}\]|# .*{name}", text, re.MULTILINE)
            assert named, (section, name)
    assert all(len(line) <= 120 for line in text.splitlines())


def test_each_has_a_secret_of_its_own(here: Path) -> None:
    one, other = (read(_write(output=Path(name))) for name in ("a.toml", "b.toml"))
    assert one.seed != other.seed
    assert one.digest != other.digest


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")
def test_only_its_owner_may_read_it(here: Path) -> None:
    before = os.umask(0o022)
    try:
        path = _write()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        _write(force=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_nothing_is_written_over_without_force(here: Path) -> None:
    path = _write()
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"is there already; name another file with -o, or give --force to lose what"):
        _write()
    assert path.read_bytes() == before
    _write(force=True)
    assert path.read_bytes() != before
    with pytest.raises(InputError, match=r"got a name that ends in '\.py', expected one in \.toml"):
        _write(output=Path("homework.py"))
    with pytest.raises(InputError, match=r"the folder no does not exist; make it first"):
        _write(output=Path("no/homework.toml"))
    assert [entry.name for entry in here.iterdir()] == ["assignment.toml"]


def test_a_failed_write_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr("nncheck.scaffold.assignment.write_whole", refuse)
    with pytest.raises(InputError, match="full"):
        _write()
    assert not list(here.iterdir())


@pytest.mark.parametrize("folder", ["내 예제", 'a "b" $c', "hidden"])
def test_a_case_of_ones_own_is_named_by_its_path(here: Path, copy_case: Callable[..., Path], folder: str) -> None:
    own = copy_case("hidden", folder=folder, certified=True)
    case = cases.find(own)
    for output in (Path("a.toml"), own.parent / "a.toml", own / "a.toml"):
        path = write_assignment(case, default_points(case), output)
        assert read(path).parts[0].case.folder == own
    assert "$c" in (own.parent / "a.toml").read_text(encoding="utf-8") or "$" not in folder


def test_the_command_says_what_is_next(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], copy_case: Callable[..., Path]
) -> None:
    assert _call(monkeypatch, "--assignment", "-o", "homework.toml") == 0
    assert capsys.readouterr().out == (
        "Written to homework.toml. It holds the secret of the probes: keep it from students. Change what you like, "
        "then run  nncheck grade SUBMISSIONS --assignment homework.toml -o results\n"
    )
    assert read(here / "homework.toml").parts[0].case.name == "relu_sigmoid"
    assert _call(monkeypatch, "--assignment", "-o", "homework.toml") == 2
    assert "homework.toml is there already" in capsys.readouterr().err
    assert _call(monkeypatch, "--assignment", "softmax-cross-entropy", "--lang", "ko", "--force") == 0
    assert read("assignment.toml").language == "ko"
    assert read("assignment.toml").parts[0].case.name == "softmax_cross_entropy"
    capsys.readouterr()
    own = copy_case("hidden")
    assert _call(monkeypatch, "--assignment", str(own), "--force") == 0
    assert f"before that run  nncheck certify {own}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--assignment", "--case", "mine"), "Give --assignment or --case NAME, not both."),
        (("--assignment", "--like", "hidden"), "--like goes with --case NAME."),
        (("--assignment", "hiden"), "Did you mean hidden?"),
        (("--assignment", "-o", "x.txt"), "expected one in .toml"),
    ],
)
def test_bad_use_is_refused(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    assert _call(monkeypatch, *arguments) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not list(here.iterdir())
