"""Packages that draw, replaced by ones that do nothing: pictures say nothing about gradients, windows would wait."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_DRAWING = ("matplotlib", "seaborn", "plotly", "pylab", "IPython")
_IF_MISSING = ("tqdm",)
#: What may be imported though it is not there.
REPLACED = (*_DRAWING, *_IF_MISSING)


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


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] not in self._packages:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _InertModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def standing_in() -> Iterator[None]:
    """Let imports find the stand-ins: of drawing packages always, of tqdm if it is not installed."""
    before, after = _Finder(_DRAWING), _Finder(_IF_MISSING)
    hidden = {n: m for n, m in list(sys.modules.items()) if n.split(".")[0] in _DRAWING}
    for name in hidden:
        del sys.modules[name]
    sys.meta_path.insert(0, before)
    sys.meta_path.append(after)
    try:
        yield
    finally:
        sys.meta_path.remove(before)
        sys.meta_path.remove(after)
        for name in [n for n, m in list(sys.modules.items()) if isinstance(m, _InertModule)]:
            del sys.modules[name]
        sys.modules.update(hidden)
