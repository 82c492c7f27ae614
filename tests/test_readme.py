"""README's worked examples give what README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block_after(text: str, language: str = "") -> str:
    """Return the first code block of a language after some text of README."""
    assert text in README
    found = re.search(rf"```{language}\n(.*?)```", README[README.index(text) + len(text) :], re.DOTALL)
    assert found
    return found[1]


def settled(shown: str) -> str:
    """Leave out how much of the bound rounding takes, which differs from processor to processor."""
    return re.sub(r"(✓ agrees +(?:[✓✗] [a-z]+ +)?)[\d.e-]+", r"\1*", shown)


def output_of(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NNCHECK_LANG": "en"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_a_derivation_that_forgets_the_mask(tmp_path: Path) -> None:
    own = Path(__file__).parents[1] / "reference" / "relu_sigmoid" / "manual.py"
    text = own.read_text(encoding="utf-8")
    assert "dZ = dH * (Z > 0)" in text
    (tmp_path / "my_answer.py").write_text(text.replace("dZ = dH * (Z > 0)", "dZ = dH"), encoding="utf-8")
    shown = output_of(tmp_path, "-m", "nncheck", "verify", "my_answer.py", "--case", "relu_sigmoid")
    assert settled(shown) == settled(block_after("nncheck verify my_answer.py --case relu_sigmoid\n```\n"))


def test_formulas_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "my_formulas.txt").write_text(block_after("With these in `my_formulas.txt`"), encoding="utf-8")
    shown = output_of(tmp_path, "-m", "nncheck", "derive", "my_formulas.txt", "--case", "relu_sigmoid")
    assert settled(shown) == settled(block_after("`nncheck derive my_formulas.txt --case relu_sigmoid` says"))


def test_any_function(tmp_path: Path) -> None:
    code = block_after("`nncheck.check_backward` takes any forward function", "python")
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    shown = README[README.index(code) + len(code) :]
    assert output_of(tmp_path, "mine.py") == re.search(r"```\n\n```\n(.*?)```", shown, re.DOTALL)[1]  # type: ignore[index]
