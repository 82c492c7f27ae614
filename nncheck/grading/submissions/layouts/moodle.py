"""Moodle's "Download all submissions": the student's full name, a number and the plugin, as a folder or a prefix.

``Full Name_1234567_assignsubmission_file/sub/file.py`` (since 3.1; until 4.x the folder's name ended in ``_``), or,
with "Download submissions in folders" off, ``Full Name_1234567_assignsubmission_file_file.py``. Underscores of names
are spaces there. The number is the participant's in this assignment, or of the group; with blind marking the name is
"Participant". A text typed into the page is ``..._assignsubmission_onlinetext_/onlinetext.html``.

Source: Moodle, mod/assign/classes/downloader.php (get_student_prefix, load_submissionplugin_filelist).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nncheck.grading.submissions.layouts import tops
from nncheck.grading.submissions.layouts.owner import Owner, Root

_PLUGIN = "_assignsubmission_"
_NAMED = re.compile(
    r"(?:(?P<name>[^/]*)_)?(?P<id>\d+)_assignsubmission_(?P<plugin>file|onlinetext|[a-z]+)_?(?P<rest>[^/]*)(?:/(?P<inside>.+))?$"
)


def reader(root: Root) -> Callable[[str], Owner | None]:
    """Return what tells whose a file is."""
    lies = tops.within(root, follows)
    return lambda path: owner(path) if lies(path) else None


def follows(name: str) -> bool:
    """Whether a name at the top is Moodle's; a folder's ends in a slash."""
    return owner(name.rstrip("/")) is not None


def owner(path: str) -> Owner | None:
    """Return whose a file is, or None if its path does not follow Moodle's naming."""
    match = _NAMED.search(path) if _PLUGIN in path else None
    if match is None:
        return None
    inside = match["inside"] or ""
    # in the flat form the file's own name follows; in a folder nothing does
    name = inside if not match["rest"] else (match["rest"] + ("/" + inside if inside else ""))
    base = path[: match.start("id")] + match["id"]
    return Owner(
        label=base,
        student=match["id"],
        name=(match["name"] or "").replace("_", " ").strip(),
        inside=name,
        ignored=match["plugin"] != "file",
    )
