"""An assignment is read with every fault at its place; its digest knows what a grade depends on; late days count."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncheck import case as cases
from nncheck.errors import InputError
from nncheck.grading.assignment import Assignment, Late, Part, checks_of, default_points
from nncheck.grading.assignment_file import read
from nncheck.grading.late import late_penalty
from nncheck.sandbox.limits import Limits

SECRET = "5e7cb2a90f41d836"
TITLE, SEED, CASE = 'title = "HW"\n', f'seed = "{SECRET}"\n', '[[cases]]\ncase = "relu_sigmoid"\n'
CHECKS = "forward, loss, Z, H, Z2, dY, dZ2, dW2, dB2, dH, dZ, dW, dB, update, trajectory"
TEXT = 'text in quotation marks, "..."'
MAKE = 'make one with  python -c "import secrets; print(secrets.token_hex(32))"'

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the text of an assignment to a file."""

    def write(text: str) -> Path:
        path = tmp_path / "homework.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _faults(path: Path) -> dict[str, str]:
    with pytest.raises(InputError) as error:
        read(path)
    first, *lines = str(error.value).split("\n")
    found = dict(line[2:].split(": ", 1) for line in lines if not line.startswith("      "))
    assert first == f"{path}: {len(found)} fault{'s' if len(found) > 1 else ''}"
    assert SECRET not in str(error.value)
    return found


def test_what_is_left_out_has_the_records_defaults(write: Write) -> None:
    assignment = read(write(TITLE + SEED + CASE))
    (part,) = assignment.parts
    plain = Assignment(path=assignment.path, title="HW", parts=(part,), seed=SECRET)
    for field in dataclasses.fields(Assignment):
        if field.name != "parts":
            assert getattr(assignment, field.name) == getattr(plain, field.name), field.name
    assert list(part.points.items()) == [
        ("forward", 2),
        ("loss", 1),
        ("dW2", 2),
        ("dB2", 2),
        ("dW", 2),
        ("dB", 2),
    ]
    assert (assignment.of, part.file, part.steps, part.case.name) == (11, "", 100, "relu_sigmoid")
    assert assignment.path.is_absolute()
    assert SECRET not in repr(assignment)


def test_everything_that_is_given_is_read(write: Write, tmp_path: Path, copy_case: Callable[..., Path]) -> None:
    copy_case("hidden", folder="내 예제", certified=True)
    (tmp_path / "secret.txt").write_text(f"\ufeff {SECRET}\n", encoding="utf-8")
    text = """
        title = " 과제 3 "
        language = "ko"
        hints = 4
        follow_through = false
        convention_cost = 0.5
        forms = ["formulas", "script", "formulas"]
        imports = ["scipy", "pandas", "scipy"]
        seed_file = "secret.txt"
        [[cases]]
        case = "Relu-Sigmoid"
        file = "relu*.py"
        steps = 7
        points = { trajectory = 3, dZ = 0, dW2 = 1.5, update = 1, loss = 1, forward = 2 }
        [[cases]]
        case = "./내 예제"
        [limits]
        check = 1
        seconds = 2.5
        memory = 512
        output = 64
        disk = 1
        processes = 4
        [files]
        student = '(?P<student>\\d+)_'
        multiple = "best"
        [late]
        due = 2026-05-01T23:59:00+09:00
        policy = "penalty"
        penalty = 0.1
    """
    assignment = read(write(text))
    first, second = assignment.parts
    assert list(first.points) == ["forward", "loss", "dW2", "dZ", "update", "trajectory"]
    assert (first.file, first.steps, second.case.folder) == ("relu*.py", 7, tmp_path / "내 예제")
    assert second.points == default_points(second.case)
    assert (assignment.title, assignment.language, assignment.hints) == ("과제 3", "ko", 4)
    assert (assignment.follow_through, assignment.convention_cost, assignment.seed) == (False, 0.5, SECRET)
    assert (assignment.forms, assignment.imports) == (("script", "formulas"), ("pandas", "scipy"))
    assert assignment.limits == Limits(check=1, seconds=2.5, memory=512, output=64, disk=1, processes=4)
    assert (assignment.student, assignment.multiple) == (r"(?P<student>\d+)_", "best")
    due = datetime(2026, 5, 1, 23, 59, tzinfo=timezone(timedelta(hours=9)))
    assert assignment.late == Late(due=due, policy="penalty", penalty=0.1)
    assert assignment.of == 8.5 + 11
    assert assignment.facts().checks[:2] == (("relu_sigmoid", "forward", 2.0), ("relu_sigmoid", "loss", 1.0))


@pytest.mark.parametrize("name", cases.names())
def test_checks_stand_in_the_order_of_the_chain(name: str) -> None:
    case = cases.find(name)
    checks = checks_of(case)
    assert (checks[:2], checks[-2:]) == (("forward", "loss"), ("update", "trajectory"))
    assert [*checks[2:-2]] == [line for line in case.derivation().names if line not in ("Y", "E")]
    gradients = [check for check in default_points(case) if check.startswith("d")]
    assert sorted(gradients) == sorted(f"d{name}" for name in case.params)
    assert list(default_points(case)) == [check for check in checks if check in default_points(case)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_text_may_be_of_korean_windows(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "과제.toml"
    path.write_bytes((SEED + 'title = "과제"\r\n' + CASE).encode(encoding))
    assert read(str(path)).title == "과제"


TOP = [  # a line at the top, its place, the words there
    ("hints = 5", "hints", "got 5, expected a whole number from 0 to 4"),
    ("hints = 2.0", "hints", "got 2, expected a whole number from 0 to 4"),
    ("hints = true", "hints", "got true, expected a whole number from 0 to 4"),
    ("hints = 99999999999999999999", "hints", "got a huge number, expected a whole number from 0 to 4"),
    ('language = "fr"', "language", "got 'fr', expected en or ko"),
    ("language = 3", "language", "got 3, expected en or ko"),
    ('follow_through = "yes"', "follow_through", "got 'yes', expected true or false"),
    ("convention_cost = -1", "convention_cost", "got -1, expected a number from 0 to 1,000,000 points"),
    ("convention_cost = nan", "convention_cost", "got nan, expected a number from 0 to 1,000,000 points"),
    ("convention_cost = 12", "convention_cost", "got 12, expected at most the 11 points that there are"),
    ("forms = []", "forms", "is empty; expected at least one of functions, script, notebook, numbers, formulas"),
    (
        'forms = ["function"]',
        "forms[0]",
        "got 'function', expected functions, script, notebook, numbers or formulas. Did you mean functions?",
    ),
    ('forms = "script"', "forms", "got 'script', expected a list, [...]"),
    ('imports = ["torch"]', "imports[0]", "torch would do the homework, and is never there while grading; remove it"),
    ('imports = ["a", "b.c"]', "imports[1]", "got 'b.c', expected the name of a package alone, such as scipy"),
    ("imports = [[1]]", "imports[0]", f"got a list, expected {TEXT}"),
    ("follow_trough = true", "follow_trough", "is not a key of an assignment. Did you mean follow_through?"),
    ("memory = 512", "memory", "is not a key of an assignment; it belongs into [limits]"),
    ("points = {}", "points", "is not a key of an assignment; it belongs into [[cases]]"),
    ("due = 2026-05-01", "due", "is not a key of an assignment; it belongs into [late]"),
    ("limits = 3", "limits", "got 3, expected a table of keys and values"),
    ('"a\\nb" = 1', "'a\\nb'", None),
    ("seed_file = 'x'", "seed_file", "stands beside seed; expected one of the two"),
]
BELOW = [  # text below a case
    (
        "points = { dW3 = 1 }",
        "cases[0].points.dW3",
        f"relu_sigmoid has no such line. Did you mean dW? Expected one of {CHECKS}",
    ),
    ("points = { '줄' = 1 }", "cases[0].points.'줄'", f"relu_sigmoid has no such line. Expected one of {CHECKS}"),
    ("points = { Y = 1 }", "cases[0].points.Y", "is judged as forward; write that name"),
    ("points = { E = 1 }", "cases[0].points.E", "is judged as loss; write that name"),
    ("points = { dW = -1 }", "cases[0].points.dW", "got -1, expected a number from 0 to 1,000,000 points"),
    ("points = { dW = inf }", "cases[0].points.dW", "got inf, expected a number from 0 to 1,000,000 points"),
    ("points = { dW = true }", "cases[0].points.dW", "got true, expected a number from 0 to 1,000,000 points"),
    ('points = { dW = "2" }', "cases[0].points.dW", "got '2', expected a number from 0 to 1,000,000 points"),
    (
        "points = {}",
        "cases[0].points",
        "is empty; leave it out for the default: forward 2, loss 1, each gradient 2",
    ),
    (
        "points = 3",
        "cases[0].points",
        "got 3, expected a table of checks and their points, such as { forward = 2, dW = 2 }",
    ),
    ("points = { dW = 0, loss = 0 }", "cases", "are worth 0 points in all; expected more"),
    ("steps = 0", "cases[0].steps", "got 0, expected a whole number from 1 to 100,000 steps"),
    ("file = 1", "cases[0].file", f"got 1, expected {TEXT}"),
    ("flie = ''", "cases[0].flie", "is not a key of [[cases]]. Did you mean file?"),
    (
        "title = ''",
        "cases[0].title",
        "is not a key of [[cases]]; it stands at the top of the file, above the first [section]",
    ),
    (
        '[[cases]]\ncase = "hiden"',
        "cases[1].case",
        "there is no case 'hiden'. Did you mean hidden?",
    ),
    ("[[cases]]\nsteps = 3", "cases[1].case", None),
    ('[[cases]]\ncase = ""', "cases[1].case", None),
    ('[[cases]]\ncase = "~nobody-here/x"', "cases[1].case", "there is no case '~nobody-here/x'."),
    ('[[cases]]\ncase = "a\\u0000b"', "cases[1].case", "there is no case 'a\\x00b'."),
    (
        '[[cases]]\ncase = "Relu-Sigmoid"',
        "cases[1].case",
        "relu_sigmoid is the case of cases[0] too; expected another case, or another file for each, "
        'such as file = "first*.py"',
    ),
    ("[limits]\ncheck = 0", "limits.check", "got 0, expected a number from 0.1 to 600 seconds"),
    ("[limits]\ncheck = 31", "limits.check", "got 31 seconds for one check, expected at most the 30 for all"),
    ("[limits]\nseconds = 1e9", "limits.seconds", "got 1000000000, expected a number from 0.1 to 86,400 seconds"),
    ("[limits]\nmemory = 64", "limits.memory", "got 64, expected a whole number from 256 to 1,048,576 megabytes"),
    ("[limits]\noutput = 0", "limits.output", "got 0, expected a whole number from 1 to 102,400 kilobytes"),
    ("[limits]\ndisk = 1e3", "limits.disk", "got 1000, expected a whole number from 1 to 102,400 megabytes"),
    ("[limits]\nprocesses = -1", "limits.processes", "got -1, expected a whole number from 0 to 1,000"),
    ("[limits]\nprocceses = 1", "limits.procceses", "is not a key of [limits]. Did you mean processes?"),
    (
        "[limits]\nxyz = 1",
        "limits.xyz",
        "is not a key of [limits], which has check, seconds, memory, output, disk, processes",
    ),
    (
        "[files]\nstudent = '(?P<id>.*)'",
        "files.student",
        "got '(?P<id>.*)' with the group(s) id, expected the group student, as in '(?P<student>[^_]+)_.*'",
    ),
    ("[files]\nstudent = '.*'", "files.student", None),
    (
        "[files]\nstudent = '(?P<student>'",
        "files.student",
        "got '(?P<student>', which is not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    ("[files]\nstudent = '(?P<student>a{99999999999999999999})'", "files.student", None),
    (
        '[files]\nmultiple = "lats"',
        "files.multiple",
        "got 'lats', expected last, first or best. Did you mean last?",
    ),
    (
        "[late]\ndue = 2026-05-01T23:59:00",
        "late.due",
        "got 2026-05-01T23:59:00, a local time that says no offset; expected one with its offset from UTC, "
        "such as 2026-05-01T23:59:00+09:00",
    ),
    (
        "[late]\ndue = 2026-05-01",
        "late.due",
        "got 2026-05-01, expected date and time without quotation marks, with its offset from UTC, "
        "such as 2026-05-01T23:59:00+09:00",
    ),
    ('[late]\ndue = "2026-05-01T23:59:00Z"', "late.due", None),
    (
        '[late]\npolicy = "penalty"\npenalty = 10',
        "late.penalty",
        "got 10, expected a number from 0 to 1; 0.1 is ten percent of the points a day",
    ),
    (
        '[late]\npolicy = "penalty"',
        "late.penalty",
        "expected a share more than 0 for each day begun, such as 0.1, as the policy is penalty",
    ),
    (
        "[late]\npenalty = 0.1",
        "late.policy",
        "got accept, which takes no penalty; expected penalty, or no penalty below",
    ),
    ('[late]\npolicy = "reject"', "late.policy", "got 'reject', expected accept, penalty or refuse"),
]
WHOLE = [
    (SEED + CASE, "title", 'is missing; expected a name for the assignment, such as title = "Homework 1"'),
    ('title = " "\n' + SEED + CASE, "title", "got ' ', expected a title of one line, of 1 to 200 characters"),
    ('title = "a\\nb"\n' + SEED + CASE, "title", "got 'a\\nb', expected a title of one line, of 1 to 200 characters"),
    (TITLE + SEED, "cases", "is missing; expected at least one [[cases]] with a case"),
    ("cases = []\n" + TITLE + SEED, "cases", "is empty; expected at least one [[cases]] with a case"),
    (
        TITLE + SEED + CASE.replace("[[cases]]", "[cases]"),
        "cases",
        "got a table, expected a list of tables: write [[cases]] with two brackets",
    ),
    ("cases = [1]\n" + TITLE + SEED, "cases[0]", "got 1, expected a table of keys and values"),
    (
        TITLE + CASE,
        "seed",
        "is missing; expected the secret that probes are drawn from, or seed_file with its path",
    ),
    (TITLE + 'seed = "5e7cb2a9"\n' + CASE, "seed", f"got 8 characters, expected a secret of at least 16; {MAKE}"),
    (
        TITLE + 'seed = "please change me, thank you"\n' + CASE,
        "seed",
        f"can be guessed, and the probes with it; {MAKE}",
    ),
    (TITLE + 'seed = "abababababababab"\n' + CASE, "seed", f"can be guessed, and the probes with it; {MAKE}"),
    (TITLE + "seed = 918273645546372819\n" + CASE, "seed", f"expected {TEXT}, not empty"),
    (
        TITLE + "seed_file = 'no.txt'\n" + CASE,
        "seed_file",
        "there is no file 'no.txt'; expected its path from where this file stands",
    ),
    (TITLE + "seed_file = ''\n" + CASE, "seed_file", f"expected {TEXT}, not empty"),
    (TITLE + f"seed_file = '{'x' * 300}'\n" + CASE, "seed_file", None),
    (TITLE + f"sed = '{SECRET}'\n" + SEED + CASE, "sed", "is not a key of an assignment. Did you mean seed?"),
]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        *((TITLE + SEED + f"{line}\n" + CASE, place, words) for line, place, words in TOP),
        *((TITLE + SEED + CASE + f"{below}\n", place, words) for below, place, words in BELOW),
        *WHOLE,
    ],
)
def test_a_fault_is_told_at_its_place(text: str, place: str, words: str | None, write: Write) -> None:
    found = _faults(write(text))
    assert list(found) == [place]
    assert words is None or found[place] == words


def test_all_faults_are_told_at_once(write: Write) -> None:
    text = f"""
        hints = 9
        colour = 1
        [[cases]]
        case = "relu_sigmoid"
        points = {{ dW3 = 1, dW = -1 }}
        [[cases]]
        case = "hiden"
        [late]
        due = 2026-05-01T23:59:00
        seed = "{SECRET}"
    """
    assert set(_faults(write(text))) == {
        "title",
        "hints",
        "colour",
        "cases[0].points.dW3",
        "cases[0].points.dW",
        "cases[1].case",
        "late.due",
        "late.seed",
        "seed",
    }
    many = TITLE + SEED + "".join(f"k{n} = 1\n" for n in range(60)) + CASE
    with pytest.raises(InputError, match=r"60 faults\n(.*\n){50}  and 10 more$"):
        read(write(many))


def test_one_case_may_come_twice_from_two_files(write: Write) -> None:
    again = CASE + 'file = "second*"\n'
    assert [part.file for part in read(write(TITLE + SEED + CASE + again)).parts] == ["", "second*"]
    assert "cases[1].case" in _faults(write(TITLE + SEED + again + again.replace("second", "SECOND")))


def test_a_secret_in_a_file_is_held_to_the_same(write: Write, tmp_path: Path) -> None:
    path = write(TITLE + "seed_file = 'secret.txt'\n" + CASE)
    for body, words in (
        (b"5e7c", "got 4 characters"),
        (b"\xff\xfe\x81", "neither UTF-8"),
        (b"a" * 300_000, "too large"),
    ):
        (tmp_path / "secret.txt").write_bytes(body)
        assert words in _faults(path)["seed_file"]


@pytest.mark.parametrize("file", ["manual.py", "case.toml", "derivation.txt", "autograd.py"])
def test_a_case_that_changed_after_it_was_certified_is_refused(
    file: str, write: Write, copy_case: Callable[..., Path]
) -> None:
    folder = copy_case("hidden", certified=True)
    path = write(TITLE + SEED + '[[cases]]\ncase = "my_case"\n')
    assert read(path).parts[0].case.name == "my_case"
    with (folder / file).open("a", encoding="utf-8") as stream:
        stream.write("# a word more\n")
    assert _faults(path) == {
        "cases[0].case": f"my_case: its folder has changed since it was certified; run  nncheck certify {folder}"
    }


def test_a_case_that_was_never_certified_is_refused_with_its_other_faults(
    write: Write, copy_case: Callable[..., Path]
) -> None:
    folder = copy_case("hidden", folder="내 예제")
    path = write(TITLE + SEED + '[[cases]]\ncase = "./내 예제"\npoints = { dZ = 1 }')
    found = _faults(path)
    assert found["cases[0].case"] == f'내 예제: is not certified; run  nncheck certify "{folder}"'
    assert found["cases[0].points.dZ"].startswith("내 예제 has no such line. Expected one of")
    (folder / "derivation.txt").write_text("Y = = X", encoding="utf-8")
    assert "derivation.txt, line 1" in _faults(path)["cases[0].case"]
    (folder / "case.toml").write_text("a = " + "[" * 5000, encoding="utf-8")
    assert "case" in _faults(path)["cases[0].case"]
    (folder / "case.toml").unlink()
    assert "has no case.toml" in _faults(path)["cases[0].case"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"title = 1\ntitle = 2", "is not TOML: Cannot overwrite a value (at "),
        (b'title = "a\\path"', "Write paths with / on every system."),
        (b"a = \n", "is not TOML: Invalid value (at line 1, column 5)."),
        (b"\xff\x00\x81", "is neither UTF-8 nor cp949 text"),
        (b"# coding: undefined\na", "is not TOML: Expected '=' after a key in a key/value pair (at end of document)."),
        (b"a = " + b"9" * 5000, "a number in it has thousands of digits"),
        (b"a = " + b"[" * 20_000, "is not TOML"),
        (b"#" * 300_000, "has 300,000 bytes, which no assignment has (at most 262,144)."),
        (b"hints = 0x" + b"f" * 5000, "hints: got a huge number, expected a whole number from 0 to 4"),
        (b"a" + b".a" * 200 + b" = 1", "a: is not a key of an assignment"),
    ],
)
def test_what_is_no_assignment_at_all(body: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "homework.toml"
    path.write_bytes(body)
    with pytest.raises(InputError) as error:
        read(path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; name the assignment's TOML file in it\."):
        read(tmp_path)
    for name in ("no.toml", "a\0b", "x" * 300):
        with pytest.raises(InputError, match=r"there is no such file; make one with|cannot be read"):
            read(tmp_path / name)


_WORDS = (
    "title language hints follow_through convention_cost forms imports seed seed_file cases case file steps points "
    "forward loss dW update limits check seconds memory files student multiple late due policy penalty a.b '' x"
)
_KEYS = st.sampled_from(_WORDS.split())
_SIMPLE = (
    st.sampled_from(
        [
            '"HW"',
            f'"{SECRET}"',
            '"relu_sigmoid"',
            '"penalty"',
            "2026-05-01T23:59:00",
            "07:00:00",
            "0000-00-00",
            "true",
            "nan",
            "-inf",
            "1e400",
            "9" * 400,
            "0x" + "f" * 400,
            "-0.0",
            "''",
            '"\\u0000"',
            "0001-01-01T00:00:00+09:00",
        ]
    )
    | st.integers().map(str)
    | st.floats().map(str)
    | st.text(max_size=8).map(repr)
)
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | st.dictionaries(_KEYS, inner, max_size=3).map(
            lambda pairs: f"{{ {', '.join(f'{name} = {value}' for name, value in pairs.items())} }}"
        )
    ),
    max_leaves=6,
)
_LINES = st.sampled_from(
    [TITLE.strip(), SEED.strip(), CASE.strip(), "[limits]", "[late]", "[files]", "[cases.points]", "[[cases]]", "[a"]
) | st.builds("{} = {}".format, _KEYS, _VALUES)
_TEXTS = st.lists(_LINES, max_size=12).map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))
_VALID = (TITLE + SEED + CASE).encode()


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=_TEXTS | _TEXTS.map(lambda text: _VALID + text) | st.binary(max_size=60).map(lambda end: _VALID + end))
def test_any_text_is_an_assignment_or_an_input_error(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(body)
    try:
        assignment = read(path)
    except InputError as error:
        assert str(path) in str(error)
    else:
        assert assignment.of > 0
        assert len(assignment.digest) == 64


def _assignment(**changes: Any) -> Assignment:
    case = cases.find("relu_sigmoid")
    part = Part(case=case, points={"forward": 2.0, "dW": 1.0})
    return Assignment(**{"path": Path("a.toml"), "title": "HW", "parts": (part,), "seed": SECRET, **changes})


def _part(**changes: Any) -> Part:
    return dataclasses.replace(_assignment().parts[0], **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "another secret"},
        {"follow_through": False},
        {"convention_cost": 0.5},
        {"hints": 3},
        {"language": "ko"},
        {"forms": ("functions",)},
        {"imports": ("scipy",)},
        *({"limits": dataclasses.replace(Limits(), **{name: 77})} for name in vars(Limits())),
        {"parts": (_part(), _part(file="b*"))},
        {"parts": (_part(file="b*"),)},
        {"parts": (_part(points={"forward": 2.0, "dW": 1.5}),)},
        {"parts": (_part(points={"forward": 2.0, "dW": 1.0, "dB": 0.0}),)},
        {"parts": (_part(case=cases.find("hidden")),)},
    ],
    ids=str,
)
def test_the_digest_changes_with_what_a_grade_depends_on(changes: dict[str, Any]) -> None:
    assert _assignment(**changes).digest != _assignment().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Homework"},
        {"path": Path("/elsewhere/b.toml")},
        {"student": "(?P<student>.*)"},
        {"multiple": "best"},
        {"late": Late(due=datetime(2026, 3, 1, tzinfo=timezone.utc), policy="refuse")},
        {"forms": ("notebook", "functions")},
        {"convention_cost": 0},
        {"limits": Limits(check=5, seconds=30)},
        {"parts": (_part(points={"dW": 1, "forward": 2}),)},
        {"parts": (_part(steps=50),)},  # nobody is marked for a trajectory
    ],
    ids=str,
)
def test_the_digest_does_not_change_with_anything_else(changes: dict[str, Any]) -> None:
    assert _assignment(**changes).digest == _assignment().digest


def test_the_digest_counts_steps_where_a_trajectory_is_marked() -> None:
    points = {"trajectory": 1.0}
    one, other = (_assignment(parts=(_part(points=points, steps=steps),)) for steps in (50, 100))
    assert one.digest != other.digest


def test_the_digest_is_of_content_not_of_its_place(
    write: Write, tmp_path: Path, copy_case: Callable[..., Path]
) -> None:
    folder = copy_case("hidden", certified=True)
    text = TITLE + SEED + '[[cases]]\ncase = "./my_case"\n'
    here = read(write(text)).digest
    there = tmp_path / "there"
    there.mkdir()
    folder.rename(there / "my_case")
    (there / "b.toml").write_text(text + "[late]\npolicy = 'refuse'\n", encoding="utf-8")
    assert read(there / "b.toml").digest == here


def test_probe_seeds_are_of_the_secret_and_the_purpose() -> None:
    one = _assignment()
    assert one.probe_seed("diagnosis hidden") == one.probe_seed("diagnosis hidden") != one.probe_seed("marking 1")
    assert one.probe_seed("marking 1") != _assignment(seed="another secret").probe_seed("marking 1")
    assert 0 <= one.probe_seed("marking 1") < 2**63


KST = timezone(timedelta(hours=9))
DUE = datetime(2026, 5, 1, 23, 59, tzinfo=KST)


@pytest.mark.parametrize(
    ("after", "flag", "expected"),
    [
        (timedelta(0), None, (False, 0.0)),
        (timedelta(days=-3), None, (False, 0.0)),
        (timedelta(days=-3), True, (False, 0.0)),  # both times are known: they decide
        (timedelta(microseconds=1), None, (True, 0.3)),
        (timedelta(hours=24), None, (True, 0.3)),
        (timedelta(hours=24, seconds=1), False, (True, 0.6)),
        (timedelta(days=9, hours=1), None, (True, 3.0)),
        (timedelta(days=500), None, (True, 3.0)),  # never more than there is
        (None, None, (False, 0.0)),
        (None, False, (False, 0.0)),
        (None, True, (True, 0.3)),
    ],
)
@pytest.mark.parametrize("zone", [KST, timezone.utc, timezone(timedelta(hours=-8)), None])
def test_each_day_begun_takes_its_share(
    after: timedelta | None, flag: bool | None, expected: tuple[bool, float], zone: timezone | None
) -> None:
    assignment = _assignment(late=Late(due=DUE, policy="penalty", penalty=0.1))
    assert assignment.of == 3
    moment = None if after is None else DUE + after
    if moment is not None:
        moment = moment.astimezone(zone) if zone else moment.replace(tzinfo=None)
    assert late_penalty(assignment, moment, flag) == expected


def test_the_other_policies() -> None:
    moment = DUE + timedelta(seconds=1)
    assert late_penalty(_assignment(late=Late(due=DUE, policy="refuse")), moment, None) == (True, 3.0)
    assert late_penalty(_assignment(late=Late(due=DUE, policy="refuse")), DUE, None) == (False, 0.0)
    assert late_penalty(_assignment(late=Late(due=DUE)), moment, None) == (True, 0.0)
    undated = _assignment(late=Late(policy="penalty", penalty=0.5))
    assert late_penalty(undated, moment, None) == (False, 0.0)
    assert late_penalty(undated, moment, True) == (True, 1.5)
    first = datetime(1, 1, 1, tzinfo=KST)
    assert late_penalty(_assignment(late=Late(due=first, policy="refuse")), moment) == (True, 3.0)
