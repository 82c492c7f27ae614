"""Several machines: the same results as on one, whatever happens to a worker, and every misuse said in words."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import nncheck
from nncheck.errors import InputError
from nncheck.grades import Grade
from nncheck.grading import cluster as clusters
from nncheck.grading.assignment import Assignment
from nncheck.grading.cluster import Cluster
from nncheck.grading.grade import grade
from nncheck.grading.member import opening_of
from tests.grading.test_grade import command, judges, lines, none_left, started


@pytest.mark.parametrize("address", ["local", "local:0", "local:x", "host:8786", "tcp:/host", "", "tcp://"])
def test_an_address_that_is_none_is_refused(assignment: Assignment, address: str) -> None:
    with pytest.raises(InputError, match=r"cluster: got .*, expected tcp://host:port of a dask scheduler, or local:4"):
        Cluster(address, opening_of(assignment, trust=True))


def test_a_missing_dask_is_said(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"needs dask distributed, .* pip install nncheck\[cluster\]"):
        Cluster("local:2", opening_of(assignment, trust=True)).__enter__()


def test_a_cluster_that_is_not_there_is_said(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "_CONNECT", 1.0)
    with pytest.raises(InputError, match=r"tcp://127.0.0.1:9: no dask cluster with workers answers there"):
        Cluster("tcp://127.0.0.1:9", opening_of(assignment, trust=True)).__enter__()


def test_another_nncheck_on_a_worker_is_said() -> None:
    with pytest.raises(InputError, match=r"A worker has nncheck .*, but 0\.0\.0 is grading; they must be the same"):
        clusters._graded("0.0.0", {}, [])


def test_another_nncheck_on_a_worker_is_seen_from_here(assignment: Assignment) -> None:
    cluster = Cluster("tcp://somewhere:8786", opening_of(assignment, trust=True))
    found = {"tcp://a:1": "0.0.7", "tcp://b:2": None, "tcp://c:3": nncheck.__version__}
    workers = {worker: {"packages": {"nncheck": version}} for worker, version in found.items()}
    cluster._client = SimpleNamespace(get_versions=lambda packages: {"workers": workers})
    with pytest.raises(
        InputError, match=r"every worker must have nncheck .*; tcp://a:1 has 0.0.7, tcp://b:2 has none\."
    ):
        cluster._compare_versions()


@pytest.mark.usefixtures("acted")
def test_an_isolation_that_is_refused_on_a_worker_is_said(
    assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("NNCHECK_FAKE_OPEN", "refuse")
    with (
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None, silence_logs=50) as running,
        pytest.raises(InputError, match=r"^The network is open here; add --trust\.$"),
    ):
        grade([hand_in("# ok")], assignment, tmp_path / "out", cluster=running.scheduler_address)


def without_times(found: Grade) -> Grade:
    return replace(found, parts=tuple(replace(part, seconds=0.0) for part in found.parts))


@pytest.mark.slow
def test_the_same_results_with_a_worker_killed(
    acted: Callable[[], list[str]], hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    drawn, log = random.Random(3), tmp_path / "graded.log"
    texts = [f"# sleep 0.02\n{'x' * (number % 4)}{number}" for number in range(120)]
    folder, alone, out = hand_in(*texts, died="# die"), tmp_path / "alone", tmp_path / "out"
    assert subprocess.run(command(folder, alone), capture_output=True, timeout=60).returncode == 3
    acted()
    ran = command(folder, out, "--cluster", "local:2")
    with started(ran) as process:
        workers: set[psutil.Process] = set()
        while len(workers) < 2 or log.read_text(encoding="utf-8").count("\n") < 20:
            assert process.poll() is None, process.communicate()
            workers = {psutil.Process(judge.ppid()) for judge in judges()} if log.exists() else set()
            time.sleep(0.02)
        drawn.choice(sorted(workers, key=lambda worker: worker.pid)).kill()
        _, complained = process.communicate(timeout=90)
    assert process.returncode == 3, complained
    assert none_left()
    assert lines(out) == lines(alone)
    assert len(lines(out)) == 121
    told = complained.splitlines()  # nothing of dask's own among it
    assert [line for line in told if not re.match(r"Submissions: 121, to grade: 121|Graded 121|Layout", line)] == []
    assert len(acted()) > 121  # the share of the worker that was killed was graded again


def test_a_cluster_that_runs_already_is_used_and_left_running(
    acted: Callable[[], list[str]], assignment: Assignment, hand_in: Callable[..., Path], tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    folder = hand_in(*[f"# ok {'x' * (number % 4)}{number}" for number in range(20)])
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=50
    ) as running:
        with grade([folder], assignment, tmp_path / "out", cluster=running.scheduler_address) as run:
            found = {graded.student: without_times(graded.grade) for graded in run}
            assert run.ground is not None
            assert run.ground.name == "process"
        assert judges() == []
        assert len(running.workers) == 1
    with grade([folder], assignment, tmp_path / "alone") as run:
        assert {graded.student: without_times(graded.grade) for graded in run} == found


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.usefixtures("acted")
def test_ctrl_c_ends_a_local_cluster(hand_in: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    folder, log = hand_in(*[f"# sleep 0.05\n{n}" for n in range(200)]), tmp_path / "graded.log"
    ran = command(folder, tmp_path / "out", "--cluster", "local:1")
    with started(ran) as process:
        while not log.exists() or log.read_text(encoding="utf-8").count("\n") < 20:
            assert process.poll() is None
            time.sleep(0.005)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert "Traceback" not in complained
    assert re.search(r"Interrupted: \d+ of 200 submissions are graded", complained)
    assert lines(tmp_path / "out")
