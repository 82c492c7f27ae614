"""What nncheck raises: errors that say what was got, what was expected and how to mend it."""

from __future__ import annotations


class NncheckError(Exception):
    """Every error that nncheck raises on purpose; its text is meant for the person at the keyboard."""


class InputError(NncheckError):
    """Something that was handed in cannot be used: an unknown case, a wrong file, an option out of range."""


class CaseError(InputError):
    """A case folder that cannot be used; the text names the file and every fault found in it."""


class FormulaError(InputError):
    """A derivation line that cannot be read or computed.

    Parameters
    ----------
    problem : str
        What was got, what was expected and how to mend it.
    where : str
        Place in the words of the person's file, such as ``derivation.txt, line 3, column 7``.
    grammar : str
        What a formula may hold, where the line holds something else.
    """

    def __init__(self, problem: str, where: str, grammar: str = "") -> None:
        super().__init__(f"{where}: {problem} {grammar}" if grammar else f"{where}: {problem}")
        self.problem = problem
        self.where = where
        self.grammar = grammar


class DeviceError(InputError):
    """The device that was asked for by name is not there, or failed; ``stage`` says where."""

    def __init__(self, message: str, stage: str) -> None:
        # what a driver said may end in a full stop of its own
        super().__init__(message[:-1] if message.endswith(("..", "!.")) else message)
        self.stage = stage


class CertificateError(InputError):
    """A case whose certificate is missing or older than its files."""
