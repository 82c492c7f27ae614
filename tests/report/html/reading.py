"""A page read back as an HTML reader does, for what its tests ask of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

_PLACES = {
    "src",
    "href",
    "srcset",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "cite",
    "ping",
    "xlink:href",
}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Element:
    """One element with the text that stands directly or deeper in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return every element below with that tag and those attributes (``data_role`` is ``data-role``)."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for child in self.children:
            if tag in ("", child.tag) and wanted.items() <= child.attributes.items():
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(page: str) -> Element:
    """Return the document, every element of which must be ended where it was begun."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], [element.tag for element in reader.open]
    return reader.root


def data(page: Element, name: str) -> Any:
    """Return a block of data."""
    return json.loads(page.one("script", id=name, type="application/json").text)


def without_plotly(page: str) -> str:
    """Return the page without plotly's script, which is not ours."""
    return re.sub(r'(<script type="text/plain" id="plotly">).*?(</script>)', r"\1\2", page, flags=re.DOTALL)


def faults(page: str) -> list[str]:
    """Say what about a page breaks what every page promises."""
    found = []
    document = read(page)
    policy = document.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    if rules.get("default-src") != "'none'" or "unsafe" in rules.get("script-src", ""):
        found.append(f"a weak policy: {policy}")
    for script in document.all("script"):
        digest = base64.b64encode(hashlib.sha256(script.text.encode("utf-8")).digest()).decode()
        run = script.attributes.get("type", "") != "application/json"
        if run and f"'sha256-{digest}'" not in rules.get("script-src", ""):
            found.append(f"a script that may not run: {script.text[:40]}")
        if "src" in script.attributes:
            found.append("a script from elsewhere")
    own = without_plotly(page)
    found += [f"another place: {match}" for match in re.findall(r"https?:[^\s\"']*|url\([^)]*\)|@import[^;]*", own)]
    for element in document.all():
        found += [f"a handler: {name}" for name in element.attributes if name.startswith("on")]
        for name in _PLACES & element.attributes.keys():
            if not element.attributes[name].startswith(("#", "data:")):
                found.append(f"another place: {element.attributes[name]}")
    ids = [element.attributes["id"] for element in document.all() if "id" in element.attributes]
    found += [f"an id twice: {name}" for name in {name for name in ids if ids.count(name) > 1}]
    for name in ("aria-labelledby", "aria-describedby", "for"):
        named = [e.attributes[name] for e in document.all() if name in e.attributes]
        found += [f"{name} of nothing: {one}" for names in named for one in names.split() if one not in ids]
    found += [
        f"a link to nothing: {a.attributes['href']}" for a in document.all("a") if a.attributes["href"][1:] not in ids
    ]
    levels = [int(e.tag[1]) for e in document.all() if re.fullmatch("h[1-6]", e.tag)]
    if levels[:1] != [1] or any(after > before + 1 for before, after in pairwise(levels)):
        found.append(f"headings out of order: {levels}")
    for table in document.all("table"):
        if not table.all("caption") or any("scope" not in th.attributes for th in table.all("th")):
            found.append("a table without caption or scope")
    signs = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", own)
    if signs:
        found.append(f"control characters: {sorted(set(signs))}")
    return found
