"""Every command and every program of the README files runs, and gives what they show.

How a page is read, from its fenced blocks in their order, in one folder that holds what a clone holds:

* ``sh``: commands, run one after the other;
* ``python``: a program, run as it stands; one that begins with ``%`` is a cell of a notebook, which has one kernel;
* a block whose first line is ``# NAME.ending``: the file of that name;
* ``text``: what the block before printed; a line ``…`` stands for any lines.

A number may differ as far as another processor makes it differ, see `_near`. After a change of what nncheck says,
``python -m tests.test_readme README.md`` puts what is printed now into a page, for you to read and to commit.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: The pages, and the language in which each one's commands are given.
PAGES = {"README.md": "en", "README.ko.md": "ko", "docs/verifying.md": "en"}
#: What a clone holds that the pages speak of.
HELD = ("reference", "docs/examples", "tests/grading/twenty", "constraints.txt")
#: Installing is for .ci/run to try, and so are the tests themselves.
NOT_RUN = ("pip", "sudo", "pytest")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    kind: str
    text: str

    @property
    def file(self) -> str:
        """The file that it is, if it is one."""
        named = re.match(r"# ([\w.]+\.\w+)\n", self.text)
        return named[1] if named else ""

    @property
    def is_cell(self) -> bool:
        """Whether it is for a notebook."""
        return self.kind == "python" and self.text.startswith("%")


_FENCED = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[Block]:
    found = _FENCED.finditer(text)
    return [Block(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in found]


def _blocks(page: str) -> list[Block]:
    path = ROOT / page
    return blocks(path.read_text(encoding="utf-8")) if path.is_file() else []


def _shown() -> Iterator[tuple[str, int]]:
    """Yield page and place of each block that shows what was printed."""
    for page in PAGES:
        for place, block in enumerate(_blocks(page)):
            if block.kind == "text" and not block.file:
                yield page, place


def _before(own: list[Block], place: int) -> int:
    """Return the place of the block whose output another one shows."""
    return next(k for k in range(place - 1, -1, -1) if not own[k].file)


def _ran(page: str, folder: Path) -> list[str | None]:
    """Run a page, and return what each of its blocks printed; None where it could not be run here."""
    for held in HELD:
        source, target = ROOT / held, folder / held
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NNCHECK_LANG": PAGES[page], "NO_COLOR": "1"}
    own = _blocks(page)
    cells = iter(_notebook([block.text for block in own if block.is_cell], folder, environment))
    printed: list[str | None] = []
    for block in own:
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
            printed.append("")
        elif block.kind == "sh":
            printed.append(_commands(block.text, folder, environment))
        elif block.is_cell:
            printed.append(next(cells))
        elif block.kind == "python":
            printed.append(_process(["python", "-c", block.text], folder, environment))
        else:
            printed.append("")
    return printed


def _commands(text: str, folder: Path, environment: dict[str, str]) -> str | None:
    printed = ""
    for command in re.split(r"\n|&&", text.replace("\\\n", " ")):
        words = shlex.split(command, comments=True)
        if not words or words[0] in NOT_RUN:
            continue
        if words[:2] == ["nncheck", "grade"] and shutil.which("bwrap") is None and not os.environ.get("CI"):
            return None
        if words[0] == "cat":
            printed += (folder / words[1]).read_text(encoding="utf-8")
            continue
        printed += _process(words, folder, environment)
        if "-o" in words:
            assert (folder / words[words.index("-o") + 1]).exists(), command
    return printed


def _process(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    program = {"nncheck": ["-m", "nncheck"], "python": []}
    assert words[0] in program, f"no page should ask for {words[0]}: it is not there on every system"
    command = [sys.executable, *program[words[0]], *words[1:]]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _notebook(cells: list[str], folder: Path, environment: dict[str, str]) -> list[str | None]:
    """Run cells in one kernel, and return the text that each shows."""
    if not cells:
        return []
    try:
        import nbclient
        import nbformat
    except ImportError:
        return [None] * len(cells)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return ["".join(map(_text, cell.outputs)) for cell in notebook.cells]


def _text(output: dict[str, object]) -> str:
    data = output.get("data")
    return str(data["text/plain"]) if isinstance(data, dict) else str(output.get("text", ""))


# --- how what was printed is held against what a page shows ---

_NUMBER = r"(?<![\w.])-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)(?![\w.]*\w)|(?<= )0(?=[ ,]|$)"
_DEVICE = r"\b(?:cpu|cuda|directml|mps|xpu)(?::\d)?\b(?: \([^)]*\))?"


def differences(expected: str, got: str) -> list[str]:
    """Return what differs, line by line; nothing if all that was printed is what the page shows."""
    lines = _lines(got)
    wrong = []
    place, anywhere = 0, False
    for line in _lines(expected):
        if line == "…":
            anywhere = True
            continue
        at = next((i for i in range(place, len(lines)) if _same(line, lines[i])), None) if anywhere else place
        if at is None or at >= len(lines) or not _same(line, lines[at]):
            said = lines[place] if place < len(lines) and not anywhere else "(no such line)"
            wrong.append(f"shown  {line}\ngot    {said}")
            if at is None:
                return wrong
        place, anywhere = at + 1, False
    if not anywhere and place < len(lines):
        wrong.append(f"not shown  {lines[place]}")
    return wrong


def _lines(text: str) -> list[str]:
    """Return the lines of a text, as wide as they may be."""
    text = re.sub(_DEVICE, "DEVICE", text)
    return [re.sub(r"-{2,}", "--", " ".join(line.split())) for line in text.strip().split("\n")]


def _same(expected: str, got: str) -> bool:
    rounding = "✓" in expected
    number = rf"{_NUMBER}|(?<= )1(?= |$)" if rounding else _NUMBER  # 1: an error just as large as its bound
    if re.sub(number, "#", expected) != re.sub(number, "#", got):
        return False
    pairs = zip(re.findall(number, expected), re.findall(number, got))
    return all(_near(float(a), float(b), rounding) for a, b in pairs)


def _near(expected: float, got: float, rounding: bool) -> bool:
    """Whether a number is the one shown, as far as processors and libraries agree on it.

    What is only rounding differs from one to the next: shares of the bound, and differences beside a verdict that all
    agrees; a rounding error, below 1e-6, or its bound within a factor of 1000. All else agrees to three digits.
    """
    if rounding and 0 <= expected <= 1:
        return 0 <= got <= 1
    if abs(expected) < 1e-6:
        return abs(got) < max(1e3 * abs(expected), 1e-12)
    return abs(got - expected) <= 1e-3 * abs(expected)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[list[str | None]]]:
    """Run the pages beside each other, and return what the blocks of each print."""
    executor = ThreadPoolExecutor(len(PAGES))
    return {page: executor.submit(_ran, page, tmp_path_factory.mktemp("clone")) for page in PAGES}


@pytest.mark.slow
@pytest.mark.parametrize(("page", "place"), [*_shown()], ids=[f"{p}-{_blocks(p)[k].line}" for p, k in _shown()])
def test_what_a_page_shows_is_what_is_printed(page: str, place: int, ran: dict[str, Future[list[str | None]]]) -> None:
    printed = ran[page].result()[_before(_blocks(page), place)]
    if printed is None:
        pytest.skip("this needs what is not installed here")
    assert not differences(_blocks(page)[place].text, printed), printed


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)])
def test_every_block_of_a_page_is_known_and_runs(page: str, ran: dict[str, Future[list[str | None]]]) -> None:
    own = _blocks(page)
    assert {block.kind for block in own if not block.file} <= {"sh", "python", "text"}
    assert (ROOT / page).read_text(encoding="utf-8").count("```") == 2 * len(own)
    assert len(ran[page].result()) == len(own)


def test_both_readme_files_give_the_same_commands() -> None:
    english, korean = ([b for b in _blocks(page) if b.kind == "sh"] for page in ("README.md", "README.ko.md"))
    if korean:
        assert [block.text for block in korean] == [block.text for block in english]


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert links
    for link in links:
        assert ((ROOT / page).parent / link).exists(), link


SHOWN = """\
✗ a.py: dZ is the first of 2 wrong quantities.

Y           ✓ agrees   0.0788
dZ          ✗ differs  > 1e6            4 of 10

3. dZ is 0.050927842 (5.9e-16), torch on cpu (one) and 10 of 20.
difference 0, bound 3.5e-9
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("✓ agrees", "✗ differs"),
        ("0.0788", "1.0788"),
        ("4 of 10", "5 of 10"),
        ("0.050927842", "0.051027842"),
        ("5.9e-16", "5.9e-09"),
        ("\n3. dZ", "\nNote: more\n\n3. dZ"),
        ("\n\n3.", "\n3."),
        ("> 1e6", "1e6"),
        ("3.5e-9\n", "3.5e-9\n\nmore\n"),
        ("difference 0,", "difference 1e-9,"),
        ("3.5e-9", "3.5e-5"),
    ],
)
def test_what_differs_is_noticed(old: str, new: str) -> None:
    assert old in SHOWN
    assert differences(SHOWN, SHOWN.replace(old, new))
    assert not differences(SHOWN, SHOWN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.0788", "0.51"),
        ("0.0788", "0"),
        ("5.9e-16", "7.1e-16"),
        ("difference 0,", "difference 1.1e-16,"),
        ("cpu (one)", "cuda:1 (Another)"),
        ("   0.0", " 0.0"),
    ],
)
def test_what_another_machine_makes_of_it_is_let_through(old: str, new: str) -> None:
    assert old in SHOWN
    assert not differences(SHOWN, SHOWN.replace(old, new))


def test_an_ellipsis_stands_for_any_lines_and_for_no_others() -> None:
    assert not differences("a\n…\nd", "a\nb\nc\nd")
    assert not differences("a\n…", "a\nb")
    assert differences("a\n…\nd", "a\nb\nc")
    assert differences("b\n…\nd", "a\nb\nd")
    assert differences("a\n…\nc", "a\nc\nd")


def _rewrite(page: str, folder: Path) -> None:
    """Put what is printed into a page, but for blocks of which a part is left out."""
    own, printed = _blocks(page), _ran(page, folder)
    places = iter(range(len(own)))

    def now(match: re.Match[str]) -> str:
        place = next(places)
        block = own[place]
        if block.kind != "text" or block.file or "\n…\n" in f"\n{block.text}":
            return match[0]
        shown = printed[_before(own, place)]
        return match[0] if shown is None else f"```text\n{shown.strip()}\n```"

    path = ROOT / page
    path.write_text(_FENCED.sub(now, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            _rewrite(name, Path(temporary))
