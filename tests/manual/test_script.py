"""A script runs unmodified while its loops are watched; what goes wrong in it is described, what was seen is kept."""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncheck import frames
from nncheck.manual.scripts import syntax
from nncheck.manual.scripts.script import STEPS, watch
from nncheck.manual.scripts.watched import Seen, Watched


def _watch(text: str, **options: Any) -> Watched:
    return watch(textwrap.dedent(text), "plain.py", **options)


def _only(watched: Watched) -> Seen:
    (seen,) = watched.loops
    return seen


def test_each_iteration_shows_the_numbers_before_and_after_it() -> None:
    seen = _only(_watch("w = 3\nfor t in range(4):\n    g = 2 * w\n    w = w - 0.1 * g\n"))
    assert seen.steps == (0, 1, 2, 3) and seen.iterations == 4
    np.testing.assert_allclose(seen.before["w"], [3, 2.4, 1.92, 1.536])
    np.testing.assert_allclose(seen.after["w"], [2.4, 1.92, 1.536, 1.2288])
    np.testing.assert_allclose(seen.after["g"], [6, 4.8, 3.84, 3.072])
    assert np.isnan(seen.before["g"][0]) and seen.before["g"][1] == 6
    assert seen.kinds["w"] == "i"


def test_arrays_are_copied_and_objects_lists_and_dicts_looked_into() -> None:
    seen = _only(
        _watch(
            """
            import numpy as np
            class Net:
                def __init__(self):
                    self.W = np.ones((2, 3))
                    self.layers = [np.zeros(2), np.zeros(3)]
            net = Net()
            params = {"b": np.array([1., 2.])}
            rows = [[1, 2], [3, 4]]
            for t in range(3):
                net.W -= 0.5
                net.layers[1] += 1
                params["b"] *= 2
                rows[0][1] += 1
            """
        )
    )
    assert seen.after["net.W"].shape == (3, 2, 3) and seen.after["net.W"][:, 0, 0].tolist() == [0.5, 0, -0.5]
    assert seen.after["net.layers[1]"][:, 0].tolist() == [1, 2, 3]
    assert seen.after["params['b']"][:, 0].tolist() == [2, 4, 8]
    assert seen.after["rows"][:, 0, 1].tolist() == [3, 4, 5]


def test_many_steps_are_thinned() -> None:
    seen = _only(_watch("w = 0.\nfor t in range(1200):\n    w += 1\n"))
    assert seen.iterations == 1200 and seen.steps == tuple(step for step in STEPS if step < 1200)
    assert seen.after["w"].tolist() == [step + 1 for step in seen.steps]


def test_one_more_iteration_is_kept_where_it_is_asked_for() -> None:
    text = "w = 0\nfor t in range(60):\n    w = w + 1\n"
    seen = _only(_watch(text, also=37))
    assert seen.steps == (*range(12), 20, 37, 50)
    assert seen.after["w"][seen.steps.index(37)] == 38
    assert 37 not in _only(_watch(text)).steps


def test_continue_ends_an_iteration_and_break_drops_it() -> None:
    seen = _only(
        _watch(
            """
            w = 0.
            for t in range(9):
                w += 1
                if t == 5:
                    break
                if t % 2:
                    continue
                w += 10
            """
        )
    )
    assert seen.steps == (0, 1, 2, 3, 4)
    assert seen.after["w"].tolist() == [11, 12, 23, 24, 35]


def test_a_loop_left_in_its_first_iteration_shows_at_least_that() -> None:
    seen = _only(_watch("w = 1.\nwhile True:\n    w = w / 2\n    if w < 1:\n        break\n"))
    assert seen.broken and seen.after["w"].tolist() == [0.5]


def test_loops_in_functions_and_loops_know_what_runs_around_them() -> None:
    watched = _watch(
        """
        def step(w):
            total = 0
            for i in range(3):
                total += w
            return w - total
        def train(w):
            for epoch in range(2):
                w = step(w)
            return w
        train(1.0)
        """
    )
    inner, outer = watched.loops
    assert (inner.loop, inner.under, outer.loop, outer.under) == (0, (1,), 1, ())
    assert outer.after["w"].tolist() == [-2, 4] and inner.iterations == 6
    assert outer.after["step.total"].tolist() == [3, -6] and outer.after["step()"].tolist() == [-2, 4]


def test_what_is_printed_or_appended_is_seen_without_a_variable() -> None:
    watched = _watch(
        """
        w, history = 1., []
        for t in range(2):
            w = w / 2
            print(f"{t} {w ** 2:.1f}", "%d %.2f" % (t, w + 1))
            history.append(w * 3)
        """
    )
    seen = _only(watched)
    assert seen.after["w ** 2"].tolist() == [0.25, 0.0625]
    assert seen.after["w + 1"].tolist() == [1.5, 1.25] and seen.after["w * 3"].tolist() == [1.5, 0.75]
    assert watched.lines["w ** 2"] == 5
    assert watched.printed == ("0 0.2 0 1.50", "1 0.1 1 1.25")


def test_other_numbers_stand_in_place_of_literals_and_lines_stay() -> None:
    text = "w, b = 3, -2\nfor t in range(2):\n    w = w + b\n    1 / (w - 7)\n"
    places = {literal.value: (literal.line, literal.column) for literal in syntax.literals(syntax.parse(text))}
    watched = watch(text, "plain.py", {places[3.0]: 4.5, places[-2.0]: 2.5})
    assert watched.failure == "plain.py, line 4: ZeroDivisionError: float division by zero" and not watched.loops
    assert _only(watch(text, "plain.py", {places[-2.0]: -0.5})).after["w"].tolist() == [2.5, 2.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("w = 1\nfor t in range(3:\n    w = 2\n", "plain.py, line 2: SyntaxError"),
        (
            "for t in range(3):\n    w = 1\n    w.x\n",
            "plain.py, line 3: AttributeError: 'int' object has no attribute 'x'",
        ),
        ("w = float(input('lr? '))\n", "line 1: EOFError: EOF when reading a line; nobody is there to answer"),
        ("import sys\nsys.exit('no data')\n", "line 2: SystemExit: no data"),
        ("open('no such file.csv')\n", "line 1: FileNotFoundError"),
    ],
)
def test_a_failure_is_described_with_its_line(text: str, words: str) -> None:
    assert words in watch(text, "plain.py").failure


def test_what_was_seen_before_a_failure_is_kept() -> None:
    watched = _watch("w = 1.\nfor t in range(3):\n    w = w / 2\nprint(w)\nnp.save('w', w)\n")
    assert "line 5: NameError" in watched.failure
    assert _only(watched).after["w"].tolist() == [0.5, 0.25, 0.125] and watched.printed == ("0.125",)


def test_exit_without_complaint_is_an_end() -> None:
    assert not _watch("for t in range(2):\n    w = t\nexit()\n").failure


@pytest.mark.parametrize(
    "body", ["w += 1", "w += 1\n    try:\n        1 / 0\n    except:\n        pass", "try: w += 1\n    finally: pass"]
)
def test_enough_steps_end_a_script_whatever_it_catches(body: str) -> None:
    watched = watch(f"w = 0.\nwhile True:\n    {body}\n", "plain.py", most=5)
    assert watched.stopped == "steps" and _only(watched).steps == (0, 1, 2, 3, 4) and not watched.failure


def test_only_the_loop_that_is_asked_for_ends_it() -> None:
    text = "w = 0.\nfor i in range(50):\n    w += 1\nfor epoch in range(50):\n    w -= 1\n"
    first, second = watch(text, "plain.py", loop=1, most=3).loops
    assert first.iterations == 50 and second.steps == (0, 1, 2)


def test_time_ends_a_script() -> None:
    started = time.monotonic()
    watched = _watch("w = 0.\nwhile True:\n    w += 1\n", seconds=0.2)
    assert watched.stopped == "time" and time.monotonic() - started < 5 and _only(watched).steps[:2] == (0, 1)


def test_pictures_and_progress_bars_do_not_matter() -> None:
    watched = _watch(
        """
        import matplotlib.pyplot as plt
        import seaborn as sns
        from tqdm import tqdm, trange
        sns.set_theme()
        fig, ax = plt.subplots(figsize=(3, 2))
        w = 1.
        for t in tqdm(range(3)):
            w = w / 2
            ax.plot([w], label="w")
        with plt.style.context("ggplot"):
            plt.show()
        """
    )
    assert not watched.failure and _only(watched).iterations == 3
    assert "matplotlib.pyplot" not in sys.modules or hasattr(sys.modules["matplotlib.pyplot"], "figure")


def test_the_script_is_the_main_module_and_nothing_of_this_process_changes() -> None:
    before = sys.modules["__main__"], list(sys.path), list(sys.argv), sys.stdin, sys.stdout
    watched = _watch(
        """
        from dataclasses import dataclass
        import sys
        sys.path.append("somewhere")
        @dataclass
        class State:
            w: float = 1.0
        if __name__ == "__main__":
            state = State()
            for t in range(2):
                state.w = state.w * 2
        """
    )
    assert _only(watched).after["state.w"].tolist() == [2, 4]
    assert before == (sys.modules["__main__"], list(sys.path), list(sys.argv), sys.stdin, sys.stdout)


def test_modules_beside_the_script_are_found(tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("rate = 0.5\n", encoding="utf-8")
    text = "from beside_the_script import rate\nw = 1.\nfor t in range(2):\n    w *= rate\n"
    watched = watch(text, tmp_path / "plain.py")
    sys.modules.pop("beside_the_script")
    assert _only(watched).after["w"].tolist() == [0.5, 0.25]


def test_sizes_are_bounded() -> None:
    text = "import numpy as np\nbig = np.zeros(10**6)\nmany = [[i] * i for i in range(500)]\n"
    seen = _only(_watch(text + "w = 1\nfor t in [0]:\n    w += 1\n"))
    assert "big" not in seen.after and "w" in seen.after and len(seen.after) < 100


def test_a_variable_that_changes_its_shape_shows_the_first_one_before_and_the_last_one_after() -> None:
    seen = _only(_watch("import numpy as np\nb = np.zeros(2)\nfor t in range(3):\n    b = b - np.ones((2, 2))\n"))
    assert seen.before["b"].shape == (3, 2) and np.isnan(seen.before["b"][1]).all()
    assert seen.after["b"].shape == (3, 2, 2) and not np.isnan(seen.after["b"]).any()


def test_a_frame_carries_everything(tmp_path: Path) -> None:
    watched = _watch("w = [1., 2.]\nfor t in range(3):\n    w[0] /= 2\n    print(w[0] + 1)\n1 / 0\n")
    header, arrays = watched.to_frame()
    with open(tmp_path / "frame", "wb") as stream:
        frames.write(stream, header, arrays)
    with open(tmp_path / "frame", "rb") as stream:
        back = Watched.from_frame(*frames.read(stream))
    assert (back.failure, back.printed, back.lines) == (watched.failure, watched.printed, watched.lines)
    assert _only(back).steps == (0, 1, 2) and _only(back).kinds == _only(watched).kinds
    np.testing.assert_array_equal(_only(back).after["w"], _only(watched).after["w"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header.pop("loops"),
        lambda header: header["loops"][0].update(before=[["w", [10**9, 10**9]]]),
        lambda header: header["loops"][0].update(before=[["w", [-1]]]),
        lambda header: header["loops"][0].update(loop="none"),
        lambda header: header.update(lines=3),
    ],
)
def test_a_frame_is_not_trusted(spoil: Any) -> None:
    header, arrays = _watch("w = 1.\nfor t in range(3):\n    w /= 2\n").to_frame()
    spoil(header)
    with pytest.raises(frames.FrameError):
        Watched.from_frame(header, arrays)


def test_very_many_names_still_fit_a_frame(tmp_path: Path) -> None:
    lines = [f"{'v' * 100}{i} = {i}." for i in range(700)]
    loops = [f"for t in range(2):\n    {'v' * 100}{i} += 1" for i in range(20)]
    header, arrays = watch("\n".join([*lines, *loops]), "plain.py").to_frame()
    with open(tmp_path / "frame", "wb") as stream:
        frames.write(stream, header, arrays)
    with open(tmp_path / "frame", "rb") as stream:
        assert Watched.from_frame(*frames.read(stream)).loops
