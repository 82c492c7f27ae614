"""One HTML document: a single file with its style, scripts and data, that asks nothing of anywhere.

Everything that a template prints is cleaned (`clean`) and escaped, whoever wrote the template. The
Content-Security-Policy names the inlined scripts by their hashes, so nothing else can run, whatever slipped in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from nncheck.language import current, phrase, translate
from nncheck.report.html.clean import clean, cleaned, clip
from nncheck.versions import __version__

_HERE = Path(__file__).parent
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page(
    title: str,
    body: str,
    *,
    scripts: Sequence[str] = (),
    later: Mapping[str, str] | None = None,
    beside: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    styles: Sequence[str] = (),
    language: str | None = None,
) -> str:
    """Return a whole document.

    Parameters
    ----------
    title : str
        As text; it is escaped.
    body : str
        Markup of what stands in ``<main>``, as `template` renders it; its first heading is the ``<h1>``.
    scripts : sequence of str
        Scripts to run at the end of the document, as `script` reads them.
    later : mapping of str to str, optional
        Scripts by the id of the block that holds them unread, until another one puts them into a script element.
    beside : sequence of str
        File names of scripts in the page's own folder, run before the others.
    data : mapping of str to JSON values, optional
        By the id of the block from which a script reads them.
    styles : sequence of str
        Style sheets beside ``page.css``, as `style` reads them.
    language : str, optional
        The one that is spoken now if left out.

    Raises
    ------
    ValueError
        If a script or a style would end the element that it stands in: a slip of ours.
    """
    later, data = later or {}, data or {}
    for text in (*scripts, *later.values()):
        if re.search(r"</script|<!--", text, re.IGNORECASE):
            raise ValueError("a script would end the element that it stands in.")
    sheets = [style("page.css"), *styles]
    if any("</" in sheet for sheet in sheets):
        raise ValueError("a style would end the element that it stands in.")
    document = template("base.html").render(
        title=title,
        body=Markup(body),
        styles=[Markup(sheet) for sheet in sheets],
        scripts=[Markup(text) for text in scripts],
        later={name: Markup(text) for name, text in later.items()},
        data={name: Markup(_json(value)) for name, value in data.items()},
        beside=beside,
        policy=policy([*scripts, *later.values()], beside=bool(beside)),
        language=language or current(),
        version=__version__,
    )
    return document.rstrip() + "\n"


def policy(scripts: Sequence[str], beside: bool = False) -> str:
    """Return the Content-Security-Policy under which these scripts run, and no other, and nothing is asked for.

    Styles may stand in the document, for plotly writes some; there is nothing that a style could fetch. Scripts beside
    the page are allowed as files of its own place: a browser checks the hash of no file that is opened from a disk.
    """
    rules = ["default-src 'none'"]
    sources = [*(["'self'"] if beside else []), *(f"'{_hash(text)}'" for text in dict.fromkeys(scripts))]
    if sources:
        rules.append("script-src " + " ".join(sources))
    rules += ["style-src 'unsafe-inline'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    return "; ".join(rules)


def template(name: str) -> jinja2.Template:
    """Return a template of the folder ``templates``.

    It knows ``_`` and ``phrase`` for what is said, ``identifier`` for ids, the filters ``clip(most)`` and ``clean``.
    Every value that it prints is clipped, cleaned and escaped, unless it is `Markup` already.
    """
    return _environment().get_template(name)


@lru_cache
def style(name: str) -> str:
    """Return a style sheet of the folder ``style``."""
    return (_HERE / "style" / name).read_text(encoding="utf-8")


@lru_cache
def script(name: str) -> str:
    """Return a script of the folder ``script``."""
    return (_HERE / "script" / name).read_text(encoding="utf-8")


def identifier(*parts: str) -> str:
    """Return an id for an element, made of letters, digits, ``_`` and ``-`` alone: ``case-relu_sigmoid``."""
    return "-".join(re.sub(r"[^\w-]+", "-", part).strip("-") or "x" for part in parts)


@lru_cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({"_": translate, "phrase": phrase, "identifier": identifier})
    environment.filters.update({"clean": clean, "clip": clip})
    return environment


def _finished(value: Any) -> Any:
    return clip(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(value: Any) -> str:
    text = json.dumps(cleaned(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


@lru_cache
def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
