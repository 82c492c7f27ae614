"""Canvas's "Download Submissions": one folder of files, each named for its student, lateness, ids and itself.

``lastnamefirstname_12345_67890_file.py``, ``lastnamefirstname_LATE_12345_67890_file.py``: the id of the user, the id of
the upload, the file's name. With anonymous grading ``anon_Xy1Za_67890_file.py``. A second upload of the same name is
``file-1.py``. A text or a link that was typed in is ``lastnamefirstname_12345_text.html`` or ``..._link.html``.

Source: Canvas LMS, lib/content_zipper.rb (get_filename, sanitize_user_name, add_upload_submission, add_text_or_url).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nncheck.grading.submissions import kinds
from nncheck.grading.submissions.layouts import tops
from nncheck.grading.submissions.layouts.owner import Owner, Root

_NAMED = re.compile(
    r"(?:(?P<name>\w+?)_)??(?:(?P<late>LATE)_)?(?P<id>\d+|anon_[0-9A-Za-z]+)_(?:(?P<upload>\d+)_(?P<file>.+)|(?:text|link)\.html)"
)
_AGAIN = re.compile(r"-(\d{1,3})$")


def reader(root: Root) -> Callable[[str], Owner | None]:
    """Return what tells whose a file is."""
    lies = tops.within(root, follows)
    return lambda path: owner(path) if lies(path) else None


def follows(name: str) -> bool:
    """Whether a name at the top is Canvas's, which makes files only: a folder's ends in a slash."""
    return not name.endswith("/") and owner(name) is not None


def owner(path: str) -> Owner | None:
    """Return whose a file is, or None if its name does not follow Canvas's naming."""
    last = path.rpartition("/")[2]
    match = _NAMED.fullmatch(last)
    if match is None or not (match["name"] or match["id"].startswith("anon_")):
        return None
    name = match["file"] or ""
    ending = kinds.suffix(name)
    again = _AGAIN.search(name[: len(name) - len(ending)])
    if again:
        name = name[: again.start()] + ending
    return Owner(
        label=path,
        student=match["id"],
        name=match["name"] or "",
        inside=name,
        folder=False,
        number=int(again[1]) if again else 0,
        late=match["late"] is not None,
        ignored=match["file"] is None,
    )
