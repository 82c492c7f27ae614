"""The pytest plugin: what a failing check shows, the settings, and that it costs other people's runs nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import nncheck
import nncheck.report  # before the runs in this process: NumPy cannot be loaded twice

# Stands in for the engine: it differs for "wrong.py", refuses "hiden", and tells how it was called.
ENGINE = """
import sys, types
import pytest
import nncheck, nncheck.report
from nncheck.errors import CaseError
from nncheck.verification import VerifyResult

calls = []

def verify(what, case, **options):
    calls.append(("verify", what, case, options))
    if case == "hiden":
        raise CaseError("There is no case 'hiden'. Did you mean hidden?")
    return VerifyResult(
        versions={}, case=str(case), file=str(what), form="functions", read_as=(), judged_by="autograd",
        verdict="differ" if what == "wrong.py" else "agree", faults=(), quantities=(), findings=(),
    )

def check_backward(forward, backward, *arguments, **options):
    calls.append(("check_backward", arguments, options))
    return verify(backward(), "check_backward")

def text(result):
    return f"✗ {result.file}: dW2 differs.\\n  dW2[0, 1] got 1, expected 2"

@pytest.fixture(autouse=True)
def engine(monkeypatch):
    words = types.ModuleType("nncheck.report.verification")
    words.text = text
    monkeypatch.setitem(sys.modules, "nncheck.report.verification", words)
    monkeypatch.setattr(nncheck.report, "verification", words, raising=False)
    monkeypatch.setattr(nncheck, "verify", verify, raising=False)
    monkeypatch.setattr(nncheck, "check_backward", check_backward, raising=False)
    calls.clear()
    return calls
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Give a folder for tests of someone else's project, with a stand-in for the engine."""
    pytester.makeconftest(ENGINE)
    return pytester


def test_a_check_that_agrees_gives_its_result(project: pytest.Pytester) -> None:
    project.makepyfile("""
        def test_mine(backprop, engine):
            result = backprop.check("hidden", "mine.py", seed=3)
            assert (result.verdict, result.case) == ("agree", "hidden")
            assert engine == [("verify", "mine.py", "hidden", {"language": "en", "seed": 3})]
    """)
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_check_that_differs_fails_with_the_report_alone(project: pytest.Pytester) -> None:
    project.makepyfile("""
        def test_mine(backprop):
            backprop.check("hidden", "wrong.py")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "backprop = nncheck",
            '>       backprop.check("hidden", "wrong.py")',
            "E       AssertionError: ✗ wrong.py: dW2 differs.",
            "E         dW2?0, 1? got 1, expected 2",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    result.stdout.no_fnmatch_line("*_held*")
    result.stdout.no_fnmatch_line("*verification.text*")


def test_that_failure_can_be_expected(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        def test_mine(backprop):
            with pytest.raises(AssertionError, match="dW2 differs"):
                backprop.check("hidden", "wrong.py")
    """)
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_pair_of_functions_is_checked_alike(project: pytest.Pytester) -> None:
    project.makepyfile("""
        def forward(): ...

        def test_right(backprop, engine):
            assert backprop.check_backward(forward, lambda: "mine.py", 7, hints=1).verdict == "agree"
            assert engine[0] == ("check_backward", (7,), {"language": "en", "hints": 1})

        def test_wrong(backprop):
            backprop.check_backward(forward, lambda: "wrong.py")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: ✗ wrong.py: dW2 differs."])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_bad_input_is_an_error_of_its_own_without_our_frames(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import nncheck
        import pytest

        def test_typo(backprop):
            backprop.check("hiden", "mine.py")

        def test_expected(backprop):
            with pytest.raises(nncheck.CaseError):
                backprop.check("hiden", "mine.py")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E       nncheck.errors.CaseError: There is no case 'hiden'. Did you mean hidden?"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


@pytest.mark.parametrize(
    ("arguments", "ini", "own", "expected"),
    [
        ((), "", "", {"language": "en"}),
        (("--nncheck-hints", "2"), "", "", {"language": "en", "hints": 2}),
        (("--nncheck-hints", "0"), "nncheck_hints = 4", "", {"language": "en", "hints": 0}),
        ((), "nncheck_hints = 1\nnncheck_lang = ko", "", {"language": "ko", "hints": 1}),
        (("--nncheck-lang", "en"), "nncheck_lang = ko", "", {"language": "en"}),
        (("--nncheck-lang", "ko", "--nncheck-hints=2"), "", "hints=0, language='en'", {"language": "en", "hints": 0}),
    ],
)
def test_settings_come_from_the_call_the_command_line_or_the_configuration(
    project: pytest.Pytester, arguments: tuple[str, ...], ini: str, own: str, expected: dict[str, object]
) -> None:
    project.makeini(f"[pytest]\n{ini}")
    project.makepyfile(f"""
        def test_mine(backprop, engine):
            backprop.check("hidden", "mine.py", {own})
            assert engine[0][3] == {expected!r}
    """)
    project.runpytest_inprocess(*arguments).assert_outcomes(passed=1)


def test_the_language_of_the_environment_is_taken(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCHECK_LANG", "ko")
    project.makepyfile("""
        def test_mine(backprop, engine):
            backprop.check("hidden", "mine.py")
            assert engine[0][3] == {"language": "ko"}
    """)
    project.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--nncheck-hints=some", "--nncheck-hints: got 'some', expected a number from 0 on."),
        ("--nncheck-hints=-1", "--nncheck-hints: got '-1', expected a number from 0 on."),
        ("--nncheck-lang=fr", "--nncheck-lang: got 'fr', expected en or ko."),
    ],
)
def test_settings_that_cannot_be_used_end_the_run_at_once(project: pytest.Pytester, argument: str, words: str) -> None:
    project.makepyfile("def test_other(): pass")
    result = project.runpytest_inprocess(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])


def test_a_console_that_lacks_a_sign_shows_the_rest(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PYTHONIOENCODING": "cp949", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)
    project.makepyfile(test_mine="def test_mine(backprop):\n    backprop.check('기울기', 'wrong.py')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=project.path, capture_output=True, check=False
    )
    text = done.stdout.decode("cp949")
    assert done.returncode == 1
    assert "AssertionError: [!!] wrong.py: dW2 differs." in text
    assert "backprop.check('기울기', 'wrong.py')" in text


def test_every_pytest_run_finds_the_plugin_and_pays_little_for_it() -> None:
    (entry,) = (entry for entry in entry_points(group="pytest11") if entry.name == "nncheck")
    assert entry.value == "nncheck.pytest_plugin"
    code = (
        "import sys, nncheck.pytest_plugin\n"
        "print([m for m in ('numpy', 'pydantic', 'torch', 'click', 'nncheck.case') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_and_fixtures_describe_it(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(["*--nncheck-hints=N*", "*--nncheck-lang=LANG*", "*nncheck_hints (string):*"])
    result = project.runpytest_inprocess("--fixtures")
    result.stdout.fnmatch_lines(["backprop*", "*Hold hand-written backpropagation against autograd:*"])


@pytest.mark.slow
def test_with_the_engine_itself(pytester: pytest.Pytester) -> None:
    manual = nncheck.find_case("hidden").folder / "manual.py"
    text = manual.read_text(encoding="utf-8")
    pytester.makepyfile(right=text, wrong=text.replace('"W2": dY.T @ H', '"W2": 2 * dY.T @ H'))
    pytester.makepyfile("""
        import wrong

        def test_right(backprop):
            assert backprop.check("hidden", "right.py").verdict == "agree"

        def test_file(backprop):
            backprop.check("hidden", "wrong.py")

        def test_module(backprop):
            backprop.check("hidden", wrong)
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["E       AssertionError: ✗*", "E *dW2*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
