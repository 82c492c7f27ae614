"""Reads an assignment from its TOML file, with every fault in it at once, each with its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from pydantic import ValidationError

from nncheck import case as cases
from nncheck import certificate, source
from nncheck.case import Case
from nncheck.errors import CertificateError, InputError
from nncheck.grading.assignment import FORMS, Assignment, Late, Part, checks_of, default_points
from nncheck.grading.assignment_format import AssignmentTable, close, key, place, secret, shown
from nncheck.grading.assignment_words import words
from nncheck.language import phrase, reason_of
from nncheck.sandbox.limits import Limits
from nncheck.scaffold import as_typed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 256 * 1024
_MOST_FAULTS = 50

Fault = tuple[str, str]  # its place in the file, and what is wrong there
Found = dict[int, tuple[Case, tuple[str, ...]]]  # by the index of [[cases]]: the case, and what may have points


def read(path: str | Path) -> Assignment:
    """Read an assignment.

    Parameters
    ----------
    path : str or Path
        Of the TOML file. Paths in it are relative to its folder.

    Returns
    -------
    assignment : Assignment
        All its cases certified, its points in the order of the chain.

    Raises
    ------
    InputError
        If the file cannot be read, or with every fault found in it: unknown keys, values out of range, checks that a
        case does not have, cases that are not certified; the secret is never shown.
    """
    path = Path(path)
    raw = _toml(path)
    faults: dict[str, str] = {}
    content = None
    try:
        content = AssignmentTable.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            faults.setdefault(place(fault["loc"]), words(fault))
    found: Found = {}
    seed = ""
    for at, what in _case_faults(raw, path.parent, found):
        faults.setdefault(at, what)
    for at, what in (*_points_faults(raw, found), *_relation_faults(raw, found)):
        if not any(known == at or known.startswith((f"{at}[", f"{at}.")) for known in faults):
            faults[at] = what
    try:
        seed = _seed(raw, path.parent)
    except InputError as error:
        faults.setdefault("seed_file" if "seed_file" in raw else "seed", str(error))
    if content is None or faults:
        raise InputError(_listing(path, faults))
    return Assignment(
        path=path.absolute(),
        title=content.title,
        parts=tuple(_part(table.model_dump(), *found[index]) for index, table in enumerate(content.cases)),
        seed=seed,
        follow_through=content.follow_through,
        convention_cost=content.convention_cost,
        hints=content.hints,
        language=content.language,
        forms=tuple(form for form in FORMS if form in content.forms),
        imports=tuple(sorted(set(content.imports))),
        student=content.files.student,
        multiple=content.files.multiple,
        late=Late(**content.late.model_dump()),
        limits=Limits(**content.limits.model_dump()),
    )


def _toml(path: Path) -> dict[str, Any]:
    """Return what the file holds, as TOML has it.

    Raises
    ------
    InputError
    """
    try:
        if path.is_dir():
            raise InputError(phrase("{path} is a folder; name the assignment's TOML file in it.", path=path))
        if not path.is_file():
            raise InputError(
                phrase(
                    "{path}: there is no such file; make one with  nncheck new --assignment -o homework.toml", path=path
                )
            )
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise InputError(
                phrase(
                    "{path}: has {size:,} bytes, which no assignment has (at most {most:,}).",
                    path=path,
                    size=size,
                    most=_MOST_BYTES,
                )
            )
        raw: dict[str, Any] = tomllib.loads(source.read_text(path))
        return raw
    except OSError as error:
        raise InputError(phrase("{path}: cannot be read ({reason}).", path=path, reason=reason_of(error))) from None
    except tomllib.TOMLDecodeError as error:
        hint = phrase(" Write paths with / on every system.") if "Unescaped" in str(error) else ""
        raise InputError(phrase("{path}: is not TOML: {error}.{hint}", path=path, error=error, hint=hint)) from None
    except ValueError:  # Python takes no number of more than 4300 digits
        raise InputError(phrase("{path}: is not TOML: a number in it has thousands of digits.", path=path)) from None
    except RecursionError:
        raise InputError(
            phrase("{path}: is not TOML that can be read: too many brackets inside each other.", path=path)
        ) from None


def _tables(raw: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the index and the keys of each of [[cases]] that is a table."""
    tables = raw.get("cases")
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict):
            yield index, table


def _case_faults(raw: Mapping[str, Any], folder: Path, found: Found) -> Iterator[Fault]:
    """Find the cases and fill them in; yield those that are not there, cannot be read or are not certified."""
    held: dict[tuple[str, str], int] = {}  # the case and its file to the first index that has them
    for index, table in _tables(raw):
        wanted, at = table.get("case"), f"cases[{index}].case"
        if not isinstance(wanted, str) or not wanted:
            continue
        try:
            case = _find(wanted, folder)
            found[index] = case, checks_of(case)
            certificate.require(case)
        except CertificateError:
            yield at, _uncertified(found[index][0])
        except InputError as error:
            yield at, str(error)
        except (OSError, ValueError, RecursionError) as error:
            yield (
                at,
                phrase(
                    "the files of the case {wanted} cannot be read ({kind}: {error})",
                    wanted=shown(wanted),
                    kind=type(error).__name__,
                    error=error,
                ),
            )
        if index in found:
            file = str(table.get("file", "")).casefold()
            first = held.setdefault((found[index][0].name, file), index)
            if first != index:
                yield (
                    at,
                    (
                        phrase(
                            "{name} is the case of cases[{first}] too; expected another case, or another file for "
                            'each, such as file = "first*.py"',
                            name=found[index][0].name,
                            first=first,
                        )
                    ),
                )


def _find(wanted: str, folder: Path) -> Case:
    """Return a case by its name, or by its path from a folder.

    Raises
    ------
    InputError
    """
    known = cases.names()
    if wanted.strip().lower().replace("-", "_") in known:
        return cases.find(wanted)
    try:
        path = folder / (Path(wanted).expanduser() if wanted[0] == "~" else wanted)
        if path.is_dir():
            return cases.read_folder(path)
    except (OSError, ValueError, RuntimeError):  # a text that no path can be, a home that nobody has
        pass
    guess = close(wanted.lower(), known)
    raise InputError(
        phrase(
            "there is no case {wanted}{guess}\n"
            "Expected one of {known}, or the path of a case folder from where this file stands",
            wanted=shown(wanted),
            guess=guess or ".",
            known=", ".join(known),
        )
    )


def _uncertified(case: Case) -> str:
    stands = (case.folder / certificate.FILE).is_file()
    state = phrase("its folder has changed since it was certified") if stands else phrase("is not certified")
    return phrase(
        "{name}: {state}; run  nncheck certify {folder}", name=case.name, state=state, folder=as_typed(str(case.folder))
    )


def _points_faults(raw: Mapping[str, Any], found: Found) -> Iterator[Fault]:
    """Yield the checks with points that their case does not have, and points that are nothing in all."""
    for index, table in _tables(raw):
        points = table.get("points")
        if index not in found or not isinstance(points, dict):
            continue
        case, checks = found[index]
        for check in points:
            at = f"cases[{index}].points.{key(check)}"
            if check in ("Y", "E"):
                yield at, phrase("is judged as {value}; write that name", value="forward" if check == "Y" else "loss")
            elif check not in checks:
                guess = close(check, checks)
                yield (
                    at,
                    phrase(
                        "{name} has no such line{guess} Expected one of {checks}",
                        name=case.name,
                        guess=guess or ".",
                        checks=", ".join(checks),
                    ),
                )
    if found and _total(raw, found) == 0:
        yield "cases", phrase("are worth 0 points in all; expected more")


def _total(raw: Mapping[str, Any], found: Found) -> float | None:
    """Return how many points there are in all, if they can be told."""
    total = 0.0
    for index, table in _tables(raw):
        points = table.get("points")
        if points is None and index in found:
            points = default_points(found[index][0])
        if not isinstance(points, dict) or not all(isinstance(of, (int, float)) for of in points.values()):
            return None
        total += sum(min(max(of, -1e6), 1e6) for of in points.values())  # a huge one is a fault of its own
    return total


def _relation_faults(raw: Mapping[str, Any], found: Found) -> Iterator[Fault]:
    """Yield values that are right alone but not beside each other."""
    total, cost = _total(raw, found), raw.get("convention_cost")
    if total and _number(cost) and cost > total:
        yield (
            "convention_cost",
            phrase("got {cost}, expected at most the {total:g} points that there are", cost=shown(cost), total=total),
        )
    limits = raw.get("limits")
    limits = {**vars(Limits()), **(limits if isinstance(limits, dict) else {})}
    check, seconds = limits["check"], limits["seconds"]
    if _number(check) and _number(seconds) and check > seconds:
        yield (
            "limits.check",
            phrase(
                "got {check} seconds for one check, expected at most the {seconds} for all",
                check=shown(check),
                seconds=shown(seconds),
            ),
        )
    late = raw.get("late")
    late = late if isinstance(late, dict) else {}
    policy, penalty = late.get("policy", Late.policy), late.get("penalty", Late.penalty)
    if policy == "penalty" and penalty == 0:
        yield (
            "late.penalty",
            phrase("expected a share more than 0 for each day begun, such as 0.1, as the policy is penalty"),
        )
    elif policy in ("accept", "refuse") and _number(penalty) and penalty > 0:
        yield (
            "late.policy",
            phrase("got {policy}, which takes no penalty; expected penalty, or no penalty below", policy=policy),
        )


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _seed(raw: Mapping[str, Any], folder: Path) -> str:
    """Return the secret, from the file that holds it if one is named.

    Raises
    ------
    InputError
        Never showing it.
    """
    seed, named = raw.get("seed"), raw.get("seed_file")
    if seed is not None and named is not None:
        raise InputError(phrase("stands beside seed; expected one of the two"))
    if named is None:
        if seed is None:
            raise InputError(
                phrase("is missing; expected the secret that probes are drawn from, or seed_file with its path")
            )
        return seed.strip() if isinstance(seed, str) else ""  # what is wrong with it is known from its format
    if not isinstance(named, str) or not named:
        return ""
    path = folder / named
    try:
        if not path.is_file():
            raise InputError(
                phrase("there is no file {named}; expected its path from where this file stands", named=shown(named))
            )
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(phrase("{named} is too large for a secret", named=shown(named)))
        return secret(source.read_text(path))
    except OSError as error:
        raise InputError(
            phrase("{named} cannot be read ({reason})", named=shown(named), reason=reason_of(error))
        ) from None
    except ValueError as error:
        raise InputError(str(error)) from None


def _part(table: Mapping[str, Any], case: Case, checks: tuple[str, ...]) -> Part:
    given = default_points(case) if table["points"] is None else table["points"]
    points = {check: float(given[check]) for check in checks if check in given}
    return Part(case=case, points=MappingProxyType(points), file=table["file"], steps=table["steps"])


def _listing(path: Path, faults: Mapping[str, str]) -> str:
    count = phrase("{count} faults", count=len(faults)) if len(faults) > 1 else phrase("1 fault")
    lines = [f"{path}: {count}"]
    for at, what in list(faults.items())[:_MOST_FAULTS]:
        lines.append(f"  {at}: " + what.replace("\n", "\n      "))
    if len(faults) > _MOST_FAULTS:
        lines.append(phrase("  and {count} more", count=len(faults) - _MOST_FAULTS))
    return "\n".join(lines)
