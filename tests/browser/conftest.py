"""Chromium for each test of pages, and for all of them axe-core, the pages and a folder for screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from tests.browser import access
from tests.browser.pages import Pages
from tests.browser.photographs import Photographs
from tests.browser.watched import Watched, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here: these tests have a stage of their own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def missing(what: str) -> NoReturn:
    """Skip; in CI, which has to install what these tests need, fail."""
    if os.environ.get("CI") or os.environ.get("NNCHECK_CI"):
        pytest.fail(f"{what}; CI has to install it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[[], Browser]]:
    """Start a Chromium: ``chromium()``."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing("no Chromium is installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    # Chromium refuses to run as root inside its own sandbox, and CI is root; what it opens here is ours.
    root = getattr(os, "geteuid", lambda: 1)() == 0
    with sync_playwright() as playwright:
        # containers give shared memory by the spoonful
        arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if root else [])]
        yield partial(playwright.chromium.launch, executable_path=program, args=arguments)


@pytest.fixture
def browser(chromium: Callable[[], Browser]) -> Iterator[Browser]:
    """One of the test's own, half a second: one that has shown dozens of pages gives no frame of some later ones."""
    opened = chromium()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        return access.fetch(tmp_path_factory.mktemp("axe"))
    except RuntimeError as error:
        missing(str(error))


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a file and watch it until the test is over: ``show(file, width=PHONE, scheme="dark")``."""
    with ExitStack() as stack:
        opener: Callable[..., AbstractContextManager[Watched]] = partial(watched, browser)

        def opened(file: Path, **options: Any) -> Watched:
            return stack.enter_context(opener(file, **options))

        yield opened


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Photographs]:
    """Pictures of the pages, in the folder that NNCHECK_SCREENSHOTS names, else in a temporary one."""
    named = os.environ.get("NNCHECK_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    kept = Photographs(folder)
    yield kept
    assert kept.fault is None, kept.fault
