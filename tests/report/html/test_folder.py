"""A run as a folder of pages: an index, a page for each case, and one script that they share."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from nncheck import cli
from nncheck.report.html import folder, plotly


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run two cases into a folder by the command line."""
    place = tmp_path_factory.mktemp("pages")
    (place / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        arguments = ["run", "hidden", "relu-sigmoid", "--steps", "20", "--lang", "en", "--format", "html"]
        patch.setattr(sys, "argv", ["nncheck", *arguments, "-o", str(place)])
        cli.main()
    assert end.value.code == 0
    return place


def test_there_is_an_index_a_page_for_each_case_and_one_script(pages: Path) -> None:
    names = sorted(path.name for path in pages.iterdir())
    assert names == ["hidden.html", "index.html", "notes.txt", "plotly.min.js", "relu_sigmoid.html"]
    assert (pages / "plotly.min.js").read_text(encoding="utf-8") == plotly.javascript()


def test_no_page_holds_the_script_itself(pages: Path) -> None:
    assert all(path.stat().st_size < 1_000_000 for path in pages.glob("*.html"))
    for name in ("hidden", "relu_sigmoid"):
        text = (pages / f"{name}.html").read_text(encoding="utf-8")
        assert re.findall(r'<script src="([^"]+)"', text) == ["plotly.min.js"]
        assert "script-src &#39;self&#39; &#39;sha256-" in text or "script-src 'self' 'sha256-" in text


def test_every_link_leads_to_a_page_that_is_there(pages: Path) -> None:
    for path in pages.glob("*.html"):
        for link in re.findall(r'href="([^"#]+\.html)"', path.read_text(encoding="utf-8")):
            assert (pages / link).is_file()
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert index.count('href="hidden.html"') == index.count('href="relu_sigmoid.html"') == 2
    assert "<script src" not in index and "script-src" not in index


@pytest.mark.parametrize(
    ("cases", "names"),
    [
        (["a", "b"], ["a.html", "b.html"]),
        (["a", "A", "a"], ["a.html", "A-2.html", "a-3.html"]),
        (["index", "../../x", "<script>", "한글"], ["index-2.html", "x.html", "script.html", "한글.html"]),
    ],
)
def test_no_two_pages_have_one_name(cases: list[str], names: list[str]) -> None:
    assert folder._names(cases) == names
