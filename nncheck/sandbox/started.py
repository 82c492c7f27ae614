"""The judge's end of the zygote: start it, give it one submission at a time, start it again if it is gone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

from nncheck.errors import InputError
from nncheck.language import phrase
from nncheck.sandbox.exposed import exposed
from nncheck.sandbox.faults import SandboxError
from nncheck.sandbox.grounds import OWN, environment, ground
from nncheck.sandbox.limits import Limits

#: Seconds for Python, NumPy and what else is loaded once.
_START = 60.0
#: What the second layer leaves readable beside what is shown.
_LANDLOCKED = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_BOOT = "; ".join(
    (
        "import sys, json",
        "c = json.loads(sys.argv[1])",
        "sys.argv[:] = ['submission.py']",  # what its own options are read from
        "sys.path[:] = c['first']",
        "import site",
        "site.setquit(), site.sethelper(), site.setcopyright()",
        "from nncheck.sandbox.zygote import main",
        "main(c)",
    )
)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The judge's ends of what one submission was given."""

    frames: socket.socket
    output: int
    leash: socket.socket

    def close(self) -> None:
        """Close all three."""
        self.frames.close()
        self.leash.close()
        with contextlib.suppress(OSError):
            os.close(self.output)


class Zygote:
    """The process that is forked for each submission.

    Parameters
    ----------
    name : str
        Of the ground.
    limits : Limits
    imports : sequence of str

    Raises
    ------
    SandboxError
        If it cannot be started on this ground.
    InputError
        If one of the imports is not installed or cannot be imported.
    """

    def __init__(self, name: str, limits: Limits, imports: Sequence[str] = ()) -> None:
        self._seen = exposed(imports)
        self._ground = ground(name, self._seen)
        self._limits, self._imports = limits, tuple(imports)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._folder = ""
        #: What it said of itself: whether ``namespaces`` are made, ``filter`` and ``confined``.
        self.said: dict[str, Any] = {}
        self._start()

    @property
    def pid(self) -> int:
        """Of the process that was started: bubblewrap's own, or the zygote's."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def lodge(self) -> Ends:
        """Fork it for a submission.

        Raises
        ------
        SandboxError
            If it is gone and cannot be started again.
        """
        for last in (False, True):
            if not self.running:
                self.close()
                self._start()
            assert self._control is not None
            frames, theirs = socket.socketpair()
            leash, other = socket.socketpair()
            output, printed = os.pipe()
            ends = Ends(frames=frames, output=output, leash=leash)
            try:
                socket.send_fds(self._control, [b"lodge"], [theirs.fileno(), printed, other.fileno()])
            except OSError as error:
                ends.close()
                self.close()
                if last:
                    raise SandboxError(phrase("the sandbox's own process is gone ({error}).", error=error)) from None
                continue
            finally:
                theirs.close()
                other.close()
                os.close(printed)
            frames.setblocking(False)
            leash.setblocking(False)
            os.set_blocking(output, False)
            return ends
        raise AssertionError

    def close(self) -> None:
        """End it, and with it everything that runs in it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        if self._errors is not None:
            self._errors.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._control = self._process = self._errors = None
        self._folder = ""

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the zygote)
        inside = self._ground.name == "bubblewrap"
        if not inside:
            self._folder = tempfile.mkdtemp(prefix="nncheck-sandbox-")
            if self._ground.user is not None:
                os.chown(self._folder, self._ground.user, self._ground.user)
        config = {
            "control": theirs.fileno(),
            "first": list(dict.fromkeys([*self._seen.standard, *self._seen.search])),
            "search": self._seen.standard,
            "imports": self._imports,
            "limits": asdict(self._limits),
            "walls": self._ground.walls,
            "user": self._ground.user,
            "inside": inside,
            "folder": OWN if inside else self._folder,
            "readable": [path for path in (*self._seen.readable, *_LANDLOCKED) if os.path.exists(path)],
        }
        command = [*self._ground.command, self._seen.python, "-I", "-S", "-B", "-X", "utf8", "-c", _BOOT]
        try:
            self._process = subprocess.Popen(
                [*command, json.dumps(config)],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                env=environment(),
                cwd=self._folder or "/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            theirs.close()
            ours.close()
            raise SandboxError(phrase("the sandbox cannot be started: {error}", error=error)) from None
        theirs.close()
        self._control = ours
        self.said = self._greeting(ours)

    def _greeting(self, control: socket.socket) -> dict[str, Any]:
        control.settimeout(_START)
        try:
            text = control.recv(1 << 16)
        except OSError:
            text = b""
        control.settimeout(None)
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if isinstance(said, dict) and said.get("ready") is True:
            return said
        why = str(said.get("why", "")) or self._last_words()
        if self._ground.name == "user" and why.startswith(("ModuleNotFoundError", "ImportError", "PermissionError")):
            why = phrase(
                "other users cannot read the Python at {python}, or its packages: {why}",
                python=self._seen.python,
                why=why,
            )
        self.close()
        blamed = [name for name in self._imports if f"'{name.split('.')[0]}" in why or why.startswith("ModuleNotFound")]
        if blamed:
            raise InputError(
                phrase(
                    "imports: {names} cannot be imported in the sandbox ({why}); name what it needs there too.",
                    names=", ".join(blamed),
                    why=why,
                )
            )
        raise SandboxError(phrase("the sandbox's own process did not start ({why}).", why=why))

    def _last_words(self) -> str:
        assert self._errors is not None and self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._errors.seek(0)
        lines = self._errors.read(100_000).decode("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), phrase("it said nothing"))
