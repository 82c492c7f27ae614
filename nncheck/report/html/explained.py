"""One step worked out, as a page: the network with its numbers, then every line of the derivation."""

from __future__ import annotations

from nncheck.explained import Explained
from nncheck.report import explained_words as words
from nncheck.report.html.page import page, style, template
from nncheck.report.html.said import verdict
from nncheck.report.html.steps import worked


def render(result: Explained) -> str:
    """Return the step as one HTML document, in the language that is spoken; it needs no script."""
    sentence = words.sentence(result)
    body = template("explained.html").render(
        result=result,
        sentence=sentence,
        about=words.about(result),
        verdict_text=verdict(result.verdict),
        w=worked([result.worked], result.network, result.steps),
        versions=", ".join(f"{name} {version}" for name, version in result.versions.items()),
    )
    return page(f"nncheck: {sentence}", body, styles=[style("worked.css")])
