"""The cases of the document, one folder each; installed as ``nncheck.reference``."""
