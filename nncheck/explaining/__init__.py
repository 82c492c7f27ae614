"""Any step of a run explained: train one side up to it, and work it out."""
