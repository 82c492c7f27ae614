"""The pages under test, each made once, by the command line as people give it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nncheck
from tests.grading import classroom

REFERENCE = Path(__file__).parents[2] / "reference"
SPIKE, LONG = 54_321, 100_000  # the step that is wrong, of how many
MALLORY = 7  # the student who is called as nobody is

ATTACK = "<script>alert(1)</script>"
#: Every control character of C0 and C1, direction marks, separators of lines, a byte order mark, a broken tag.
CONTROLS = "".join(map(chr, (*range(0x20), 0x7F, *range(0x80, 0xA0), 0x200F, 0x2028, 0x2029, 0x202E, 0x2066, 0xFEFF)))

#: The kinds of pages, as `Pages.make` takes them.
KINDS = ("run", "run-differs", "verify", "derive", "explain", "class", "student")

_ASSIGNMENT = """
title = "Two layers by hand"
seed = "a secret of this course, long enough"
language = "{language}"
hints = 3

[[cases]]
case = "relu_sigmoid"
points = {{ forward = 2, loss = 1, dW2 = 2, dB2 = 1, dW = 2, dB = 1 }}
"""

_FORMULAS = """\
Z = X @ W.T + B
H = maximum(Z, 0)
Z2 = H @ W2.T + B2
Y = sigmoid(Z2)
E = ((Y - YT)**2).mean()
dY = 2 * (Y - YT) / Y.size
dZ2 = dY * (1 - Y)
dW2 = dZ2.T @ H
dB2 = dZ2.sum(axis=0)
dH = dZ2 @ W2
dZ = dH
dW = dZ.T @ X
dB = dZ.sum(axis=0)
"""


class Pages:
    """Makes pages in a folder; what was made once is not made again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made_before: dict[tuple[str, str], Path] = {}

    def make(self, kind: str, lang: str = "en") -> Path:
        """Return the page of a kind (see `KINDS`) in a language."""
        key = kind, lang
        if key not in self._made_before:
            maker: Callable[[str], Path] = getattr(self, f"_{kind.replace('-', '_')}")
            self._made_before[key] = maker(lang)
        return self._made_before[key]

    def beside(self, kind: str, lang: str = "en") -> tuple[Path, ...]:
        """Return the files that a page may load: the copy of plotly that a folder of reports shares."""
        return tuple(self.make(kind, lang).parent.glob("plotly*.js"))

    def _run(self, lang: str) -> Path:
        return self._made("run", lang, "run")  # all six cases, at their own 105,000 steps

    def _run_differs(self, lang: str) -> Path:
        folder = self._case("differs", ("dZ2 = dY * Y * (1 - Y)", "dZ2 = dY * (1 - Y)"))
        return self._made("run-differs", lang, "run", "one_to_one", folder, "--steps", "3000")

    def _spike(self, lang: str) -> Path:
        """Make the page of a case whose hand-written loss is twice what it should be at one step of 100,000."""
        right = "return np.mean((Y - YT) ** 2)"
        folder = self._case(
            "spike",
            ("import numpy as np\n", "from itertools import count\n\nimport numpy as np\n\n_TURN = count()\n"),
            (right, right.replace("return", f"return (2.0 if next(_TURN) == {SPIKE} else 1.0) *")),
        )
        return self._made("spike", lang, "run", folder, "--steps", str(LONG))

    def _folder(self, lang: str) -> Path:
        """Make a page for each of two cases, which share one copy of plotly's script; returns their index."""
        folder = self.folder / f"folder-{lang}"
        folder.mkdir()
        _nncheck(
            "run", "one_to_one", "relu_sigmoid", "--steps", "1000", "--format", "html", "-o", folder, "--lang", lang
        )
        return folder / "index.html"

    def _notebook(self, lang: str) -> Path:
        """Make a page around what a notebook is given of a run."""
        result = nncheck.run("relu_sigmoid", steps=300, language=lang)
        page = self.folder / f"notebook-{lang}.html"
        head = f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>A notebook</title>'
        page.write_text(f"{head}<h1>A notebook</h1>{result._repr_mimebundle_()['text/html']}", encoding="utf-8")
        return page

    def _verify(self, lang: str) -> Path:
        return self._made("verify", lang, "verify", REFERENCE / "relu_sigmoid/mistakes/act.missing.py", "--hints", "4")

    def _derive(self, lang: str) -> Path:
        formulas = self.folder / "my_formulas.txt"
        formulas.write_text(_FORMULAS, encoding="utf-8")
        return self._made("derive", lang, "derive", formulas, "--hints", "4")

    def _explain(self, lang: str) -> Path:
        return self._made("explain", lang, "explain", "relu_sigmoid", "--step", "0")

    def _controls(self, lang: str) -> Path:
        """Make the page of a file with every control character, in a comment and in a name of the file."""
        text = (REFERENCE / "relu_sigmoid/mistakes/act.missing.py").read_bytes()
        held = CONTROLS.replace("\n", "").replace("\r", "").replace("\0", "")
        return self._of_file("controls", lang, text + f"\n# a{held}b {ATTACK}\n".encode())

    def _long_line(self, lang: str) -> Path:
        """Make the page of a file with a line of a megabyte, a wrong line beside it."""
        text = (REFERENCE / "relu_sigmoid/mistakes/act.missing.py").read_text(encoding="utf-8")
        place = next(line for line in text.splitlines() if line.strip().startswith("dZ = "))
        return self._of_file("long-line", lang, text.replace(place, f"{place}  # {'x' * 1_000_000}").encode())

    def _of_file(self, name: str, lang: str, content: bytes) -> Path:
        file = self.folder / f"{name} {ATTACK.replace('/', '')}.py"
        file.write_bytes(content)
        return self._made(name, lang, "verify", file)

    def _class(self, lang: str) -> Path:
        """Grade a class; returns the page of all."""
        out = self.folder / f"graded-{lang}"
        assignment = self.folder / f"homework-{lang}.toml"
        assignment.write_text(_ASSIGNMENT.format(language=lang), encoding="utf-8")
        _nncheck(
            *("grade", self._class_archive(), "--assignment", assignment, "-o", out, "--lang", lang),
            *("--trust", "--layout", "gradescope", "--format", "html"),
        )
        return out / "index.html"

    def _student(self, lang: str) -> Path:
        """Return the page of a student with a mistake, who is called by an attack on the page."""
        return self.make("class", lang).parent / "html" / f"s{MALLORY:03d}.html"

    def _class_archive(self) -> Path:
        """Make what Gradescope gives of a class of thirty, one of them named as nobody is."""
        archive = self.folder / "Two layers by hand.zip"
        wrong, said = list(classroom.MISTAKES), []
        with zipfile.ZipFile(archive, "w") as opened:
            for number in range(30):
                text = (
                    classroom.wrong(number, wrong[number // 2 % len(wrong)])
                    if number % 3
                    else classroom.correct(number)
                )
                if number == 28:
                    text = "def forward(params, X):\n    return X +\n"
                if number == 29:
                    text = "def forward(params, X):\n    while True:\n        pass\n"
                name = ATTACK if number == MALLORY else f"{'김이박최정'[number % 5]}민준 {number:02d}"
                opened.writestr(f"export/submission_{1000 + number}/answer.py", text)
                said += [f"submission_{1000 + number}:", "  :submitters:", f"  - :name: {json.dumps(name)}"]
                said += [f"    :sid: s{number:03d}"]
            opened.writestr("export/submission_metadata.yml", "---\n" + "\n".join(said) + "\n")
        return archive

    def _case(self, name: str, *edits: tuple[str, str]) -> Path:
        folder = self.folder / name
        if folder.exists():
            return folder
        shutil.copytree(REFERENCE / "relu_sigmoid", folder)
        (folder / "certificate.json").unlink()
        path = folder / "manual.py"
        text = path.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, f"{old!r} is not in manual.py"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return folder

    def _made(self, name: str, lang: str, command: str, *arguments: object) -> Path:
        page = self.folder / f"{name}-{lang}.html"
        case = ("--case", "relu_sigmoid") if command in ("verify", "derive") else ()
        _nncheck(command, *arguments, *case, "--format", "html", "-o", page, "--lang", lang)
        return page


def _nncheck(*arguments: object) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("NNCHECK_", "LC_", "LANG"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "nncheck", *map(str, arguments)],
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode in (0, 1), f"nncheck {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
