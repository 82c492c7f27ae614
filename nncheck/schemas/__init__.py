"""Written descriptions of the JSON that nncheck prints."""
