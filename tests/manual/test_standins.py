"""Packages that draw, and Colab's, are stood in for; nothing else is, and afterwards everything is as it was."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from nncheck.manual.scripts.standins import standing_in


def test_colab_is_stood_in_for_and_no_other_package_beside_it() -> None:
    values: dict[str, object] = {}
    with standing_in():
        exec("from google.colab import drive, files\ndrive.mount('/content/drive')\nfiles.upload()", values)
        exec("import google.colab.output as output\nfrom google import colab\nfrom google.colab import *", values)
        assert "google.colab" in sys.modules
        for text in ("import google.cloud", "from google import cloud", "import google.protobuf.message"):
            with pytest.raises(ModuleNotFoundError, match=r"No module named 'google\.(cloud|protobuf)'"):
                exec(text, {})
    assert not [name for name in sys.modules if name.split(".")[0] == "google"]


def test_packages_that_are_there_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("google", "google.colab", "google.cloud", "matplotlib")
    there = {name: ModuleType(name) for name in names}
    there["google"].__path__ = []
    vars(there["google"]).update(colab=there["google.colab"], cloud=there["google.cloud"])
    for name, module in there.items():
        monkeypatch.setitem(sys.modules, name, module)
    values: dict[str, object] = {}
    with standing_in():
        exec("import matplotlib\nfrom google import cloud, colab\nimport google.colab.drive", values)
        assert values["cloud"] is there["google.cloud"]
        assert values["colab"] is not there["google.colab"] and values["matplotlib"] is not there["matplotlib"]
    assert {name: sys.modules[name] for name in names} == there
    assert there["google"].colab is there["google.colab"]
