"""Packages that draw, and Colab's own, replaced by ones that do nothing: pictures say nothing about gradients."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_IN_COLAB = "google.colab"
_ALWAYS = ("matplotlib", "seaborn", "plotly", "pylab", "IPython", _IN_COLAB)
#: What is around a stand-in and is none: other packages that lie there stay what they are, or missing.
_AROUND = _IN_COLAB.partition(".")[0]
_IF_MISSING = ("tqdm", _AROUND)
#: What may be imported though it is not there.
REPLACED = tuple(name for name in (*_ALWAYS, *_IF_MISSING) if "." not in name)


class _Inert:
    """Takes every use in silence; called with something to go through, it gives that back (tqdm)."""

    def __call__(self, *arguments: Any, **_: Any) -> Any:
        first = arguments[0] if arguments else None
        return first if hasattr(first, "__next__") or isinstance(first, (range, list, tuple)) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter((self, self))  # fig, ax = plt.subplots()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _InertModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return range if name == "trange" else _Inert()


class _Surrounding(ModuleType):
    """A package that holds nothing but a stand-in."""

    def __getattr__(self, name: str) -> Any:
        whole = f"{self.__name__}.{name}"
        if name.startswith("__") or whole in _ALWAYS:
            raise AttributeError(name)  # so that the import goes on to look for it
        raise ModuleNotFoundError(f"No module named {whole!r}", name=whole)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if not _is_of(fullname, self._packages):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Surrounding(spec.name) if spec.name == _AROUND else _InertModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def _is_of(name: str, packages: Sequence[str]) -> bool:
    """Whether a module is one of the packages or lies in one; in what is around a stand-in lies nothing else."""
    return any(name == package or (name.startswith(f"{package}.") and package != _AROUND) for package in packages)


@contextmanager
def standing_in() -> Iterator[None]:
    """Let imports find the stand-ins: of drawing packages and Colab's always, of tqdm if it is not installed."""
    before, after = _Finder(_ALWAYS), _Finder(_IF_MISSING)
    hidden = {n: m for n, m in list(sys.modules.items()) if _is_of(n, _ALWAYS)}
    for name in hidden:
        del sys.modules[name]
    around = sys.modules.get(_AROUND)
    inside = vars(around).pop("colab", None) if around else None  # an import leaves it there as well
    sys.meta_path.insert(0, before)
    sys.meta_path.append(after)
    try:
        yield
    finally:
        sys.meta_path.remove(before)
        sys.meta_path.remove(after)
        for name in [n for n, m in list(sys.modules.items()) if isinstance(m, (_InertModule, _Surrounding))]:
            del sys.modules[name]
        sys.modules.update(hidden)
        if around:
            vars(around).pop("colab", None)
            vars(around).update({"colab": inside} if inside else {})
