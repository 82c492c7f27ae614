"""Attacks on the grader: each is contained, has a verdict of its own, and leaves the next submission as it was."""

# ruff: noqa: E501 (one attack, one line)
from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nncheck.manual.client import Guest
from nncheck.manual.person import Given
from nncheck.sandbox.exposed import PACKAGE
from nncheck.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import GOOD, is_right, step

HEAD = "import ctypes, gc, os, signal, socket, struct, subprocess, sys, threading, time\nimport numpy as np\n"
SECRET = secrets.token_hex(16)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Make what attacks reach for: a file, a process with an environment, a listener, all of the judge's own."""
    place = tmp_path_factory.mktemp("judge")
    (place / "secret").write_text(SECRET)
    (place / "secret").chmod(0o600)
    decoy = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], env={**os.environ, "NNCHECK_KEY": SECRET}
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield {"place": place, "decoy": decoy, "listener": listener, "port": listener.getsockname()[1]}
    decoy.kill()
    decoy.wait()


def _filled(text: str, outside: dict[str, object], sandbox: Sandbox) -> str:
    place, decoy = outside["place"], outside["decoy"]
    assert isinstance(decoy, subprocess.Popen)
    values = {
        "@SECRET@": f"{place}/secret",
        "@PLACE@": str(place),
        "@PORT@": str(outside["port"]),
        "@DECOY@": str(decoy.pid),
        "@JUDGE@": str(os.getpid()),
        "@ZYGOTE@": str(sandbox._opened.pids[0]),
        "@PACKAGE@": str(PACKAGE),
        "@HOME@": str(Path.home()),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _within(name: str, attack: str) -> str:
    """Return the right submission with an attack before the return of one of its functions."""
    lines = []
    for line in GOOD.splitlines():
        lines.append(line)
        if line.startswith(f"def {name}("):
            lines += [f"    {own}" for own in attack.splitlines()]
    return HEAD + "\n".join(lines)


def _at_top(attack: str) -> str:
    return HEAD + attack + "\n" + GOOD


def _frames(bytes_: str) -> str:
    """Return an attack that writes to the judge through every descriptor that it finds."""
    return f"for fd in range(3, 64):\n    try: os.write(fd, {bytes_})\n    except OSError: pass"


def _frame(header: str) -> str:
    return _frames(f"struct.pack('>I', len({header})) + {header}")


STOPPED, CRASHED, MEMORY, LOUD = {"timed-out"}, {"crashed"}, {"too-much-memory"}, {"too-much-output"}
NOTHING: set[str] = set()  # it went on: what was tried had no effect

#: Name; text; kinds of failure, empty if none; whether the answer is right all the same.
ATTACKS: list[tuple[str, str, set[str], bool | None]] = [
    # the machine
    ("endless loop", _within("backward", "while True: pass"), STOPPED, False),
    ("endless loop at the top", _at_top("while True: pass"), STOPPED, False),
    ("endless loop in C", _within("loss", "10 ** 10 ** 9"), STOPPED, False),
    ("endless sleep", _within("forward", "time.sleep(1e6)"), STOPPED, False),
    ("no signal ends it", _within("loss", "for n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass"), STOPPED, False),
    ("memory bomb", _within("forward", "taken = [np.empty(1 << 22) for _ in range(1000)]"), MEMORY, False),
    ("list of all memory", _within("loss", "taken = [0] * (1 << 28)"), MEMORY, False),
    ("memory bomb in C", _at_top("libc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\nwhile libc.malloc(1 << 24): pass\nraise MemoryError"), MEMORY, False),
    ("prints without an end", _within("backward", "while True: print('x' * 1000)"), LOUD, False),
    ("5 GB print", _at_top("for _ in range(5 << 10): os.write(1, b'x' * (1 << 20))"), LOUD, False),
    ("prints to the error stream", _at_top("while True: sys.stderr.write('y' * 1000)"), LOUD, False),
    ("big file", _at_top("with open('big', 'wb') as f:\n    for _ in range(1 << 10): f.write(bytes(1 << 20))"), NOTHING, False),
    ("many files", _at_top("for i in range(1 << 20): open(f'f{i}', 'w').close()"), NOTHING, False),
    ("files in memory", _at_top("fd = os.memfd_create('x')"), NOTHING, False),
    ("fork bomb", _at_top("while True: os.fork()"), NOTHING, False),
    ("thread bomb", _at_top("def run():\n    while True: pass\nwhile True: threading.Thread(target=run, daemon=True).start()"), NOTHING, False),
    ("subprocess", _at_top("subprocess.Popen(['/bin/sh'])"), NOTHING, False),
    ("all descriptors", _at_top("kept = []\nwhile True: kept.append(os.dup(1))"), NOTHING, False),
    ("deep recursion", _within("loss", "def f(n): return f(n + 1) + 1\nf(0)"), NOTHING, False),
    ("recursion in C", _within("loss", "sys.setrecursionlimit(1 << 30)\nclass A:\n    def __repr__(self): return repr(self)\nfor _ in range(3): x = []\nfor _ in range(10 ** 7): x = [x]\nrepr(A()); del x"), CRASHED | MEMORY | STOPPED, False),
    # its own end
    ("sys.exit at the top", _at_top("sys.exit(0)"), NOTHING, False),
    ("os._exit at the top", _at_top("os._exit(0)"), CRASHED, False),
    *[(f"sys.exit in {f}", _within(f, "sys.exit(0)"), NOTHING, False) for f in ("forward", "loss", "backward")],
    *[(f"os._exit in {f}", _within(f, "os._exit(0)"), CRASHED, False) for f in ("forward", "loss", "backward")],
    *[(f"KeyboardInterrupt in {f}", _within(f, "raise KeyboardInterrupt"), NOTHING, False) for f in ("forward", "loss", "backward")],
    ("KeyboardInterrupt at the top", _at_top("raise KeyboardInterrupt"), NOTHING, False),
    ("exit code of another", _at_top("os._exit(1)"), CRASHED, False),
    ("segfault by ctypes", _within("backward", "ctypes.string_at(0)"), CRASHED, False),
    ("abort", _within("backward", "os.abort()"), CRASHED, False),
    ("kills itself", _at_top("os.kill(os.getpid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGTERM)"), NOTHING, True),
    ("kills everybody", _at_top("try: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass"), NOTHING, True),
    ("closes all descriptors", _within("forward", "os.closerange(0, 64)"), CRASHED, False),
    ("atexit and __del__", _at_top("import atexit\nclass D:\n    def __del__(self):\n        while True: pass\nkept = D()\natexit.register(lambda: time.sleep(1e6))\nsys.exit = os._exit"), NOTHING, True),
    ("__del__ that never ends", _within("loss", "class D:\n    def __del__(self):\n        while True: pass\nD()"), STOPPED, False),
    ("exception without a message", _within("loss", "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\nraise E"), NOTHING, False),
    # what the judge compares
    ("os._exit after the right code", GOOD + "\nimport os\nos.register_at_fork(before=lambda: os._exit(0))\n", NOTHING, True),
    ("patches NumPy", _at_top("np.allclose = np.array_equal = np.isclose = lambda *a, **k: True\nnp.ndarray = object"), NOTHING, None),
    ("1 GB return", _within("forward", "return np.zeros((1 << 14, 1 << 12)), X"), NOTHING | MEMORY, False),
    ("NaN", _within("forward", "return np.full((4, 2), np.nan), X"), NOTHING, False),
    ("object array", _within("forward", "return np.array([object(), None], dtype=object), X"), NOTHING, False),
    ("array of texts", _within("forward", "return np.array([['a', 'b']]), X"), NOTHING, False),
    ("an array of everything", _within("backward", "return {str(i): np.zeros(3) for i in range(10 ** 4)}"), NOTHING, False),
    ("a subclass that lies", _at_top("class Liar(np.ndarray):\n    def __array_function__(self, *a, **k): return True\n    def __array_ufunc__(self, *a, **k): return np.bool_(True)\n    def __eq__(self, other): return True\n    def __deepcopy__(self, memo): return self\n") .replace("return float(np.mean((Y - YT) ** 2))", "return np.zeros((), float).view(Liar)"), NOTHING, False),
    ("__array__ that lies", _within("loss", "class A:\n    def __array__(self, *a, **k): raise SystemExit\nreturn A()"), NOTHING, False),
    # frames
    ("garbage in the frames", _within("loss", _frames("b'\\xff' * 4096")), CRASHED, False),
    ("a header of 4 GB", _within("loss", _frames("b'\\xff\\xff\\xff\\xff{}'")), CRASHED, False),
    ("nested lists", _within("loss", _frame("b'[' * 1000000")), CRASHED | STOPPED, False),
    ("nested deep enough", _within("loss", _frame("b'{\"a\":' * 900 + b'1' + b'}' * 900")), CRASHED, False),
    ("arrays of 8 TB", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"<f8\", \"shape\": [1099511627776]}]}'")), CRASHED, False),
    ("a shape without an end", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"<f8\", \"shape\": [1e999]}]}'")), CRASHED, False),
    ("a shape of numbers", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"<f8\", \"shape\": [' + b'9' * 4000 + b',' + b'9' * 4000 + b']}]}'")), CRASHED, False),
    ("a shape of 100 axes", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"<f8\", \"shape\": [' + b'0,' * 99 + b'0]}]}'")), CRASHED, False),
    ("an empty array of size", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"<f8\", \"shape\": [0, 9223372036854775807, 9223372036854775807]}]}'")), CRASHED, False),
    ("dtype of objects", _within("loss", _frame("b'{\"answer\": {}, \"arrays\": [{\"name\": \"Y\", \"dtype\": \"|O\", \"shape\": [1]}]}'")), CRASHED, False),
    ("a frame that is a list", _within("loss", _frame("b'[]'")), CRASHED, False),
    ("an answer that is a list", _within("loss", _frame("b'{\"answer\": [], \"arrays\": []}'")), CRASHED, False),
    ("a forged answer", _within("loss", _frame("b'{\"answer\": {\"described\": {\"Y\": 1, \"E\": null}, \"flags\": {}, \"problem\": 7, \"read_as\": [[[]]], \"update\": []}, \"notes\": 3, \"arrays\": []}'")), NOTHING, False),
    ("forged points", _within("loss", _frame("b'{\"answer\": {\"score\": 100, \"verdict\": \"pass\"}, \"arrays\": []}'")), NOTHING, False),
    ("a forged error", _within("loss", _frame("b'{\"error\": \"grader fault\", \"kind\": \"case\", \"arrays\": []}'")), CRASHED, False),
    ("signs of life without an end", _within("loss", "head = b'{\"stage\": \"loss\", \"arrays\": []}'\nwhile True:\n    for fd in range(3, 64):\n        try: os.write(fd, struct.pack('>I', len(head)) + head)\n        except OSError: pass"), CRASHED | STOPPED, False),
    ("a stage that is a list", _within("loss", _frame("b'{\"stage\": [1], \"part\": [], \"arrays\": []}'")), NOTHING, True),
    ("signs for terminals", _within("loss", "raise ValueError('\\x1b]0;owned\\x07\\ud800\\u202e' + 'x' * 100000)"), NOTHING, False),
    ("half a frame, then silence", _within("loss", _frames("struct.pack('>I', 100) + b'{'") + "\nwhile True: pass"), STOPPED, False),
    ("sends its own descriptors", _within("loss", "for fd in range(3, 64):\n    try: socket.send_fds(socket.socket(fileno=os.dup(fd)), [b'zzzz'], [1] * 8)\n    except OSError: pass"), CRASHED | STOPPED, False),
    # what lies outside
    ("reads a secret", _at_top("print(open('@SECRET@').read())"), NOTHING, False),
    ("lists the judge's folder", _at_top("print(os.listdir('@PLACE@'))"), NOTHING, False),
    ("reads the home", _at_top("assert not [f for f in os.listdir('@HOME@') if os.path.isfile(os.path.join('@HOME@', f))]"), NOTHING, None),
    ("writes outside", _at_top("open('@PLACE@/written', 'w').write('x')"), NOTHING, False),
    *[(f"writes to {p}", _at_top(f"open({p!r} + '/written', 'w')"), NOTHING, False) for p in ("/", "/tmp", "/usr/lib", "@PACKAGE@", "/dev", "/dev/shm", "/proc", "/own", "/etc")][:7],
    ("deletes its own folder", _at_top("os.rmdir(os.getcwd())"), NOTHING, True),
    ("replaces its own folder", _at_top("os.rename('/own/here', '/own/there'); os.symlink('/', '/own/here')"), NOTHING, None),
    ("imports nncheck.reference", _at_top("import nncheck.reference"), NOTHING, False),
    ("imports what finds mistakes", _at_top("import nncheck.diagnosis.catalogue"), NOTHING, False),
    ("walks to the derivation", _at_top("for folder, _, files in [at for top in ('own', 'tmp', 'root', 'home', 'work', 'run', 'etc', '@PACKAGE@/..') for at in os.walk('/' + top)]:\n    for name in files:\n        if name in ('derivation.txt', 'certificate.json', 'case.toml', 'manual.py'): raise SystemExit('found ' + folder)"), NOTHING, True),
    ("reads the derivation by its path", _at_top("print(open('@PACKAGE@/../reference/relu_sigmoid/derivation.txt').read())"), NOTHING, False),
    ("imports torch", _at_top("import torch"), NOTHING, False),
    *[(f"imports {m}", _at_top(f"import {m}"), NOTHING, False) for m in ("pytest", "pydantic", "setuptools")],
    ("connects to the judge", _at_top("socket.create_connection(('127.0.0.1', @PORT@), timeout=1)"), NOTHING, False),
    ("connects without Python", _at_top("assert ctypes.CDLL(None).socket(2, 1, 0) >= 0"), NOTHING, False),
    ("looks for a name", _at_top("socket.getaddrinfo('example.org', 80)"), NOTHING, False),
    *[(f"kills {who}", _at_top(f"os.kill({who}, signal.SIGKILL)"), NOTHING, False) for who in ("@DECOY@", "@JUDGE@", "@ZYGOTE@")],
    ("kills its parent", _at_top("assert os.getppid() == 0"), NOTHING, True),
    ("reads the environment of the judge", _at_top("print(open('/proc/@DECOY@/environ').read())"), NOTHING, False),
    ("looks for anything in its environment", _at_top(f"assert {SECRET!r} not in str(os.environ) and set(os.environ) <= {{'HOME', 'LANG', 'PWD', 'TMPDIR', 'LC_CTYPE'}} | {{k for k in os.environ if k.endswith('_NUM_THREADS')}}, os.environ"), NOTHING, True),
    ("reads memory of others", _at_top("try: assert os.listdir('/proc') == []\nexcept PermissionError: pass"), NOTHING, True),
    ("ptraces its parent", _at_top("assert ctypes.CDLL(None).ptrace(16, @ZYGOTE@, 0, 0) == 0"), NOTHING, False),
    ("reads the zygote's memory", _at_top("assert ctypes.CDLL(None).process_vm_readv(1, None, 0, None, 0, 0) == 0"), NOTHING, False),
    ("unshares", _at_top("assert ctypes.CDLL(None).unshare(0x10000000) == 0"), NOTHING, False),
    ("mounts", _at_top("assert ctypes.CDLL(None).mount(b'x', b'/own', b'tmpfs', 0, None) == 0"), NOTHING, False),
    ("unmounts", _at_top("assert ctypes.CDLL(None).umount2(b'/proc', 2) == 0"), NOTHING, False),
    ("keeps memory of the system", _at_top("assert ctypes.CDLL(None).shmget(1, 1 << 20, 0o1666) >= 0"), NOTHING, False),
    ("raises its limits", _at_top("import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))"), NOTHING, False),
    ("becomes root", _at_top("os.setuid(0)"), NOTHING, False),
    ("looks into its callers", _at_top("frame = sys._getframe()\nwhile frame:\n    assert 'truth' not in frame.f_locals and 'secret' not in frame.f_locals\n    frame = frame.f_back\nassert not [m for m in sys.modules if m.startswith(('nncheck.diagnosis', 'nncheck.verifier', 'nncheck.grading'))]"), NOTHING, True),
]  # fmt: skip


def _pids() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def _run(sandbox: Sandbox, text: str) -> tuple[Guest, dict[str, str], Given]:
    with sandbox.guest(Path("attack.py"), text) as guest:
        problem = guest.open()
        given = step(guest) if not problem else Given()
        step(guest)  # a second question after the first is answered or not
    return guest, problem, given


@pytest.mark.parametrize(("text", "kinds", "right"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
def test_an_attack_is_contained(
    text: str,
    kinds: set[str],
    right: bool | None,
    sandbox: Sandbox,
    outside: dict[str, object],
    unharmed: Callable[[Sandbox], None],
) -> None:
    before = _pids()
    guest, problem, given = _run(sandbox, _filled(text, outside, sandbox))
    said = f"{problem} {given} {guest.failure} {guest.output}"
    if kinds:
        assert guest.failure is not None and guest.failure.kind in kinds, said
        assert guest.ended and guest.failure.reason
    else:
        assert guest.failure is None, said
    if right is not None:
        assert is_right(given) == right, said
    if right is False:
        assert problem or given.problem or guest.failure or not is_right(given)
    assert SECRET not in said.replace(text, "") and len(said) < 50_000
    assert _pids() == before  # the zygote is the same, and nothing else is there
    place, decoy, listener = outside["place"], outside["decoy"], outside["listener"]
    assert isinstance(place, Path) and isinstance(decoy, subprocess.Popen) and isinstance(listener, socket.socket)
    assert sorted(path.name for path in place.iterdir()) == ["secret"]
    assert decoy.poll() is None
    with pytest.raises(BlockingIOError):
        listener.accept()
    unharmed(sandbox)
