"""What axe-core, fetched from the npm registry when it is first needed, says of a page's accessibility."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERSION = "4.14.1"


def fetch(folder: Path) -> str:
    """Return axe-core's source; raises RuntimeError in words where npm or its registry is not there."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not installed, and axe-core comes from its registry")
    done = subprocess.run(
        [npm, "pack", "--silent", f"axe-core@{VERSION}"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    archive = folder / f"axe-core-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        raise RuntimeError(f"npm could not fetch axe-core {VERSION}: {done.stderr[-500:]}")
    with tarfile.open(archive) as opened:
        member = opened.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode("utf-8")


def faults(page: Page, impacts: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """Return axe's faults of a page that axe was put into beforehand, each with the elements that have it."""
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['impact']} {found['id']}: {found['help']}: "
        + "; ".join(f"{node['target']} {_why(node)}" for node in found["nodes"][:6])
        + (f" and {len(found['nodes']) - 6} more" if len(found["nodes"]) > 6 else "")
        for found in result["violations"]
        if found["impact"] in impacts
    ]


def _why(node: dict[str, object]) -> str:
    return " ".join(str(node.get("failureSummary", "")).split("\n")[1:2]).strip()
