"""Compiles the catalogues of nncheck/locale when the package is built; everything else stands in pyproject.toml.

``python setup.py catalogue`` (it needs Babel, of the extra ``test``) brings them up to date with the code: new messages
are added without a translation, those no longer used are taken out, and what has no translation is listed.
"""

from __future__ import annotations

import ast
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from setuptools import Command, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "nncheck"
#: How messages are marked in the code, see nncheck/language.py.
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "phrase": None}
#: How click marks its own, and the modules of it whose messages nncheck can show.
CLICK_KEYWORDS: dict[str, Any] = {"_": None, "ngettext": (1, 2)}
CLICK_MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "types")


def catalogues() -> list[Path]:
    """Return the translated catalogues, one a language."""
    return sorted(PACKAGE.glob("locale/*/LC_MESSAGES/nncheck.po"))


def read(path: Path) -> Any:
    """Return a catalogue as Babel holds it."""
    from babel.messages.pofile import read_po

    with path.open("rb") as stream:
        return read_po(stream, locale=path.parts[-3], domain=path.stem, abort_invalid=True)


def compiled(path: Path) -> bytes:
    """Return a catalogue as gettext reads it; translations marked fuzzy are left out."""
    from babel.messages.mofile import write_mo

    catalogue, stream = read(path), BytesIO()
    catalogue.creation_date = catalogue.revision_date = datetime(1980, 1, 1)  # the same bytes whenever it is done
    write_mo(stream, catalogue)
    return stream.getvalue()


def compile_all() -> None:
    """Write each catalogue's .mo beside it, where a run looks for it."""
    for path in catalogues():
        path.with_suffix(".mo").write_bytes(compiled(path))


def extracted() -> Any:
    """Return every message that the code marks, and those of click, as an untranslated catalogue."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    template = Catalog(project="nncheck", charset="utf-8")
    methods = [("**.py", "python"), ("**/report/html/templates/**.html", "jinja2.ext:babel_extract")]
    options = {pattern: {"encoding": "utf-8", "silent": "false"} for pattern, _method in methods}
    found = extract_from_dir(PACKAGE, methods, options, KEYWORDS, directory_filter=lambda folder: True)
    for file, _line, message, comments, _context in sorted(found, key=lambda entry: (entry[0], entry[1])):
        place = (f"nncheck/{Path(file).as_posix()}", None)  # no line: that would change whenever code moves
        template.add(message, locations=[place], auto_comments=comments)
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in command_helps(path.read_text(encoding="utf-8")):
            template.add(text, locations=[(f"nncheck/{path.relative_to(PACKAGE).as_posix()}", None)])
    for name, message in click_messages():
        template.add(message, locations=[(f"click/{name}.py", None)])
    return template


def command_helps(code: str) -> list[str]:
    """Return the docstrings of a module's commands, which click shows as their help."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            calls = [call.func for call in node.decorator_list if isinstance(call, ast.Call)]
            if any(isinstance(call, ast.Attribute) and call.attr in ("command", "group") for call in calls):
                found.append(ast.get_docstring(node) or "")
    return [text for text in found if text]


def click_messages() -> list[tuple[str, Any]]:
    """Return the messages of the click that is installed, each with its module; a pair where it has a plural."""
    import click
    from babel.messages.extract import extract

    found = []
    for name in CLICK_MODULES:
        with (Path(click.__file__).parent / f"{name}.py").open("rb") as stream:
            found += [(name, message) for _, message, _, _ in extract("python", stream, CLICK_KEYWORDS)]
    return found


class BuildWithCatalogues(build_py):
    """Compiles the catalogues into the source tree first, from where they are packed or, if editable, used."""

    def run(self) -> None:
        """Compile, then build as ever."""
        compile_all()
        super().run()


class RefreshCatalogues(Command):
    """Brings the catalogues up to date with the messages of the code, and compiles them."""

    description = "bring nncheck/locale up to date with the messages in the code"
    user_options: list[tuple[str, str | None, str]] = []  # noqa: RUF012  (as setuptools declares it)

    def initialize_options(self) -> None:
        """Take no options."""

    def finalize_options(self) -> None:
        """Take no options."""

    def run(self) -> None:
        """Write every catalogue anew and list what is not translated."""
        from babel.messages.pofile import write_po

        template = extracted()
        for path in catalogues():
            catalogue, stream = read(path), BytesIO()
            catalogue.update(template, no_fuzzy_matching=True)
            write_po(stream, catalogue, width=120, omit_header=True, sort_by_file=True, ignore_obsolete=True)
            header = (
                path.read_text(encoding="utf-8").partition("\n\n")[0].rstrip()
            )  # Babel's own would change by the clock
            path.write_bytes(f"{header}\n\n{stream.getvalue().decode().strip()}\n".encode())
            for message in catalogue:
                strings = message.string if isinstance(message.string, tuple) else (message.string,)
                if message.id and not all(strings):
                    print(f"{path.relative_to(ROOT)}: not translated: {message.id!r}")
        compile_all()


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithCatalogues, "catalogue": RefreshCatalogues})
