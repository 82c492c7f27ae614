"""Results as HTML pages, each a single file that opens offline: `render` of a run, `explained` of one step."""

from nncheck.report.html.run import render as render
