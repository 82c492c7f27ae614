"""The sandbox: a ground chosen by a real self-test, and one guest at a time on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType

from nncheck.errors import InputError
from nncheck.grades import GroundFacts
from nncheck.language import phrase, translate
from nncheck.manual.client import Guest
from nncheck.sandbox import grounds, trial
from nncheck.sandbox.exposed import PACKAGE
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.limits import Limits
from nncheck.sandbox.opened import Opened, open_ground


class Sandbox:
    """Runs one submission after the other, each in a process of its own behind the walls of a ground.

    To be used by the thread that made it.

    Parameters
    ----------
    opened : Opened
        The ground.
    facts : GroundFacts
        What its self-test found.
    limits : Limits
    """

    def __init__(self, opened: Opened, facts: GroundFacts, limits: Limits) -> None:
        self._opened, self._limits = opened, limits
        self.facts = facts
        self._guest: Guest | None = None

    def guest(self, path: Path, text: str, files: Mapping[str, bytes] | None = None) -> Guest:
        """Return a guest for one submission, to be used in a ``with`` block; the one before it is ended.

        Parameters
        ----------
        path : Path
            What messages call the file: a name, nothing is read from there.
        text : str
            What it holds (of a notebook, its code).
        files : mapping of str to bytes
            What else lies in the working folder, by relative name with ``/``.

        Raises
        ------
        SandboxError
            If the sandbox itself fails: its own fault, never the submission's.
        """
        if self._guest is not None:
            guest, self._guest = self._guest, None
            guest.__exit__(None, None, None)
        seat = self._opened.seat(self._limits)
        self._guest = Guest(path, text, self._limits.check, seat, _fitting(files or {}))
        return self._guest

    def close(self) -> None:
        """End everything that runs in it."""
        self._guest = None
        self._opened.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()


def prepare(
    limits: Limits,
    *,
    trust: bool = False,
    ground: str | None = None,
    imports: Sequence[str] = (),
    tested: GroundFacts | None = None,
) -> Sandbox:
    """Choose a ground by trying real attacks on it, and start a sandbox there.

    Parameters
    ----------
    limits : Limits
        Of every submission.
    trust : bool
        Take a ground on which submissions can read files, reach the network or end other processes.
    ground : str, optional
        ``bubblewrap``, ``user``, ``process`` or ``job``; the strongest that this machine has if it is left out.
    imports : sequence of str
        Modules beside the standard library and NumPy that submissions may import.
    tested : GroundFacts, optional
        What another process on this machine has just found: the self-test is left out.

    Raises
    ------
    InputError
        If none can be started, or none holds and there is no trust; naming what is open.
    """
    if ground is not None and ground not in grounds.GROUNDS:
        raise InputError(
            phrase(
                "isolation: got {ground!r}, expected one of {grounds}.",
                ground=ground,
                grounds=", ".join(grounds.GROUNDS),
            )
        )
    names = (tested.name,) if tested else (ground,) if ground else grounds.possible()
    failed, best = [], None
    for name in names:
        try:
            opened = open_ground(name, limits, imports)
        except SandboxError as error:
            failed.append(f"{name}: {error}")
            continue
        facts = tested or _tried(name, opened, limits)
        if best is None or len(trial.serious(facts)) < len(trial.serious(best[1])):
            if best is not None:
                best[0].close()
            best = (opened, facts)
        else:
            opened.close()
        if not trial.serious(best[1]):
            break
    if best is None:
        raise InputError(
            phrase(
                "isolation: no ground for submissions starts here ({failed}). Install bubblewrap (Linux, WSL2), or "
                "use a Python that other users can read.",
                failed="; ".join(failed),
            )
        )
    opened, facts = best
    if trial.serious(facts) and not trust:
        opened.close()
        reasons = f" ({' '.join(failed)})" if failed else ""
        if facts.name == "user" and "read the answers" in facts.open:
            folders = " ".join(sorted({str(path.parents[1]) for path in trial.answers_of(PACKAGE)}))
            safe = phrase("the answers are safe once others cannot read them: chmod go= {folders}", folders=folders)
            reasons += f" ({safe})"
        raise InputError(
            phrase(
                "isolation: on the ground {name!r}, the strongest that starts here{reasons}, submissions could: "
                "{serious}. Install bubblewrap (Linux, WSL2), or give --trust if you trust all of them as your own "
                "code.",
                name=facts.name,
                reasons=reasons,
                serious=", ".join(map(translate, trial.serious(facts))),
            )
        )
    return Sandbox(opened, facts, limits)


def _tried(name: str, opened: Opened, limits: Limits) -> GroundFacts:
    try:
        return trial.tried(name, opened, limits)
    except BaseException:
        opened.close()
        raise


def _fitting(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those files whose names stay inside of a folder, named plainly."""
    found = {}
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.parts and not path.is_absolute() and ".." not in path.parts and "\0" not in name and ":" not in name:
            found[os.fspath(path)] = content
    return found
