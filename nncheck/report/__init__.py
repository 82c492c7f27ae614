"""One result record to terminal, Markdown, JSON and CSV."""
