"""A page in Chromium that keeps a record of everything that it asks for, prints, raises or lets stand in a dialog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, Route

DESKTOP = (1280, 900)
PHONE = (390, 844)

#: Runs before the page's own scripts, whatever its policy: when the first series of a plot stands in the document,
#: how often the policy was violated, and how long the page was busy at a stretch.
_WITNESS = """
window.__seen = {plot: null, violations: [], longest: 0};
document.addEventListener("securitypolicyviolation", e => __seen.violations.push(
    e.violatedDirective + " " + e.blockedURI));
new MutationObserver((_, self) => {
    if (document.querySelector(".js-plotly-plot .trace, .js-plotly-plot .points")) {
        self.disconnect();
        requestAnimationFrame(() => setTimeout(() => { __seen.plot = performance.now(); }));
    }
}).observe(document, {childList: true, subtree: true});
new PerformanceObserver(list => list.getEntries().forEach(e => {
    __seen.longest = Math.max(__seen.longest, e.duration);
})).observe({type: "longtask", buffered: true});
"""
_UNTIL_DRAWN = """
() => new Promise((done, fail) => {
    const look = left => __seen.plot ? done(__seen.plot) : left ? setTimeout(look, 10, left - 1) : fail("no plot");
    look(1000);
})
"""


@dataclass(kw_only=True)
class Watched:
    """A page and what it did; `faults` names what no report of ours may do."""

    page: Page
    allowed: frozenset[str]
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Requests for anything else than the file itself, console messages, errors, dialogs, broken policy."""
        strange = [f"request: {url}" for url in self.requests if url not in self.allowed]
        violations = [f"policy: {said}" for said in self.page.evaluate("window.__seen.violations")]
        return [*strange, *self.messages, *self.dialogs, *violations]

    def seen(self) -> dict[str, Any]:
        """Return what the witness inside the page noted."""
        noted: dict[str, Any] = self.page.evaluate("window.__seen")
        return noted

    def wait_for_plot(self) -> float:
        """Wait until the first plot is drawn; returns how many milliseconds after the navigation that was."""
        # not wait_for_function, which asks again by eval, and that the page's policy forbids
        return float(self.page.evaluate(_UNTIL_DRAWN))

    def _listen(self) -> None:
        self.page.on("request", lambda request: self.requests.append(_named(request)))
        self.page.on("console", lambda message: self.messages.append(f"console.{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(f"error: {error}"))
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def _named(request: Request) -> str:
    return request.url.split("#")[0]


def is_inside(url: str) -> bool:
    """Whether an address names no place: its data stand in it, or in the page's own memory."""
    return url.startswith(("data:", "blob:"))


@contextmanager
def watched(
    browser: Browser,
    file: Path,
    *,
    beside: tuple[Path, ...] = (),
    width: tuple[int, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
    before: str = "",
    motion: Literal["no-preference", "reduce"] = "no-preference",
    bypass_csp: bool = False,
    javascript: bool = True,
) -> Iterator[Watched]:
    """Open a file as file:// and watch it.

    Parameters
    ----------
    browser : Browser
    file : Path
    beside : tuple of Path
        Files that it may load too.
    width : (int, int)
        Of the window, and its height.
    scheme : str
    before : str
        JavaScript that runs before the page's own.
    motion : str
    bypass_csp : bool
        Whether the page's policy is out of force.
    javascript : bool
    """
    context = browser.new_context(
        viewport={"width": width[0], "height": width[1]},
        color_scheme=scheme,
        reduced_motion=motion,
        bypass_csp=bypass_csp,
        java_script_enabled=javascript,
        device_scale_factor=1,
        has_touch=width == PHONE,
        is_mobile=width == PHONE,
    )
    context.set_default_timeout(60_000)  # milliseconds; the machines of CI are slow, and busy
    try:
        context.add_init_script(_WITNESS)
        if before:
            context.add_init_script(before)
        address = file.resolve().as_uri()
        allowed = frozenset((address, *(path.resolve().as_uri() for path in beside)))
        _refuse_others(context, allowed)
        it = Watched(page=context.new_page(), allowed=allowed)
        it._listen()
        it.page.goto(address, wait_until="load")
        yield it
    finally:
        context.close()


def _refuse_others(context: BrowserContext, allowed: frozenset[str]) -> None:
    def decide(route: Route) -> None:
        if _named(route.request) in allowed or is_inside(route.request.url):
            route.continue_()
        else:
            route.abort()

    context.route("**/*", decide)
