"""What docs/devices.md quotes of what nncheck says of devices is said by the code, word for word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nncheck

PACKAGE = Path(nncheck.__file__).resolve().parent
PAGE = PACKAGE.parent / "docs" / "devices.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs the source tree")

#: What torch, its driver or Windows say themselves behind a stage.
FOREIGN = ("OSError: [WinError 126] ...", "ImportError: DLL load failed ...", "OSError: libd3d12.so: ...")


def _templates() -> list[str]:
    """Return every message of the modules that speak of devices."""
    found = []
    for path in (PACKAGE / "process.py", *sorted((PACKAGE / "autograd").glob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("phrase", "N_") and node.args:
                found += [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
    return [str(text) for text in found]


def _matches(quoted: str, templates: list[str]) -> bool:
    """Whether a text is what one of the messages becomes when its placeholders are filled in."""
    for template in templates:
        pieces = re.split(r"\{[^{}]*\}", template)
        if len("".join(pieces)) >= 8 and re.fullmatch(".+".join(map(re.escape, pieces)), quoted):
            return True
    return False


def _reasons() -> list[str]:
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [row for row in rows if not row.startswith(("cross_entropy", "float", "x.var", "torch.cdist"))]


@pytest.mark.parametrize("reason", _reasons() if PAGE.is_file() else [])
def test_a_reason_that_the_page_explains_is_one_that_nncheck_gives(reason: str) -> None:
    templates = _templates()
    stage = re.fullmatch(r"at ([^:]+): (.+)", reason)
    if stage:
        assert stage[1] in ("import torch", "import torch_directml", "device_count", "open the device")
        reason = stage[2]
    if reason in FOREIGN:
        return
    for piece in re.split(r"(?<=0xc0000005): ", reason):
        assert _matches(piece, templates), piece


def test_there_is_a_row_for_each_reason_that_directml_is_missing() -> None:
    text = (PACKAGE / "autograd" / "directml.py").read_text(encoding="utf-8")
    assert len(_reasons()) >= text.count("return phrase(") + text.count("or phrase(")


def test_a_reason_that_nncheck_does_not_give_is_noticed() -> None:
    assert not _matches("torch-directml exists for Windows and macOS alone", _templates())
    assert not _matches("this is WSL 3, which has no GPU; in Windows: wsl --set-version NAME 2", _templates())


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8"))
    assert all((PAGE.parent / link).exists() for link in links if "://" not in link)
    assert "](docs/devices.md)" in (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
