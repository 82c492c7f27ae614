"""Records that show themselves in a notebook: as text, as Markdown, as a page in a frame.

The one arrow upward in the house: how a record looks is known to nncheck.report alone, which stands above the records.
It is looked up by name when a notebook asks, and not before.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module

_RENDERERS = "nncheck.report.notebook"


class Shown:
    """A record that Jupyter and IPython display; what it is shown as is a line in nncheck.report.notebook."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what IPython displays, by mimetype: text/plain, text/markdown, text/html.

        Parameters
        ----------
        include, exclude : collection of str, optional
            Mimetypes that are wanted alone, and those that are not.
        """
        try:
            shown: dict[str, str] = import_module(_RENDERERS).bundle(self, include, exclude)
        except Exception:  # a display that fails must not cost the reader the record
            shown = {"text/plain": repr(self)}
        return shown
