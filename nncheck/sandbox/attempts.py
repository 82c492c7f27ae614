"""Small attack programs for the self-test. They print what they can get hold of; none of them is believed."""

from __future__ import annotations

#: Printed first, and where something went on that should have been stopped.
BEGUN, SIGN = "begun", "still here"

#: Reads, writes, connects and kills beyond its own folder.
REACH = """
import os, signal, socket
said = []
def tried(function, *arguments):
    try:
        said.append(str(function(*arguments)))
    except BaseException as error:
        said.append(type(error).__name__)
    print(said[-1], flush=True)
def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(300)
def write(path, word):
    with open(path, "w") as file:
        file.write(word)
def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=0.2)
def kill(pid):
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
tried(read, {secret!r})
for path in {answers!r}:
    tried(read, path)
tried(write, {written!r}, {word!r})
tried(connect, {port})
tried(read, "/proc/{decoy}/environ")
for pid in {pids!r}:
    tried(kill, pid)
if {family!r} and os.getppid():
    tried(kill, os.getppid())
raise RuntimeError(" ".join(said))  # where print goes nowhere
"""

ALIVE = f"raise RuntimeError({SIGN!r})"

LOOP = """
import signal
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""

#: Asks for memory without touching it: the machine is not to suffer where nothing stops this.
MEMORY = f"""
import numpy as np
print({BEGUN!r}, flush=True)
try:
    taken = [np.empty(1 << 23) for _ in range({{megabytes}} // 64)]
except MemoryError:
    raise RuntimeError({BEGUN!r})
raise RuntimeError("{BEGUN} {SIGN}")
"""

#: Starts a process that leaves its family and names itself, so that the judge can look for it.
FORK = f"""
import ctypes, os, subprocess, sys, time
print({BEGUN!r}, flush=True)
name = "{{mark}}".encode()[:15]
said = {BEGUN!r}
if hasattr(os, "fork"):
    if os.fork() == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                print("pid", os.getpid(), flush=True)
                ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # its name
                time.sleep(5)
        finally:
            os._exit(0)
else:
    try:
        said += f" pid {{{{subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)']).pid}}}} {SIGN}"
    except OSError:
        pass
    raise RuntimeError(said)
print({SIGN!r}, flush=True)
time.sleep(0.02)
"""
