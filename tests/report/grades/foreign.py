"""Schemas of other people's formats, as their documents give them."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_VISIBILITY = {"enum": ["visible", "hidden", "after_due_date", "after_published"]}
_FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


#: https://gradescope-autograders.readthedocs.io/en/latest/specs/ : a score on top, or one in each test, or (of a fault)
#: none anywhere and no test either.
GRADESCOPE = {
    **_object(
        {
            "score": _NUMBER,
            "execution_time": {"type": "integer", "minimum": 0},
            "output": _TEXT,
            "output_format": _FORMAT,
            "test_output_format": _FORMAT,
            "test_name_format": _FORMAT,
            "visibility": _VISIBILITY,
            "stdout_visibility": _VISIBILITY,
            "extra_data": {"type": "object"},
            "leaderboard": {"type": "array"},
            "tests": {
                "type": "array",
                "items": _object(
                    {
                        "score": _NUMBER,
                        "max_score": _NUMBER,
                        "status": {"enum": ["passed", "failed"]},
                        "name": {"type": "string", "minLength": 1},
                        "name_format": _FORMAT,
                        "number": {"type": "string", "pattern": r"^\d+(\.\d+)*$"},
                        "output": _TEXT,
                        "output_format": _FORMAT,
                        "tags": {"type": "array", "items": _TEXT},
                        "visibility": _VISIBILITY,
                        "extra_data": {"type": "object"},
                    },
                    "name",
                    "score",
                    "max_score",
                ),
            },
        },
        "output",
        "tests",
    ),
    "if": {"properties": {"tests": {"minItems": 1}}},
    "then": {"required": ["score"]},
}

_IMAGES = {"type": "array", "items": _object({"label": _TEXT, "url": _TEXT}, "url")}
#: https://prairielearn.readthedocs.io/en/latest/externalGrading/#grading-results
PRAIRIELEARN = {
    **_object(
        {
            "gradable": {"type": "boolean"},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "succeeded": {"type": "boolean"},
            "message": _TEXT,
            "output": _TEXT,
            "images": _IMAGES,
            "format_errors": {"type": "array", "items": _TEXT},
            "tests": {
                "type": "array",
                "items": _object(
                    {
                        "name": {"type": "string", "minLength": 1},
                        "description": _TEXT,
                        "points": _NUMBER,
                        "max_points": {"type": "number", "minimum": 0},
                        "message": _TEXT,
                        "output": _TEXT,
                        "images": _IMAGES,
                    },
                    "name",
                    "points",
                    "max_points",
                ),
            },
        },
        "gradable",
    ),
    "if": {"properties": {"gradable": {"const": True}}},
    "then": {"required": ["score"]},
    "else": {"not": {"required": ["score"]}},
}

_WHOLE = {"type": "integer", "minimum": 0}
_SOME = {"type": "string", "minLength": 1}
#: https://github.com/foundation50/classroom50/wiki/Advanced-Autograding
CLASSROOM50 = _object(
    {
        "schema": {"const": "classroom50/result/v1"},
        "classroom": _SOME,
        "assignment": _SOME,
        "assignment_type": {"enum": ["individual", "group"]},
        "owner": _SOME,
        "submission": {"type": "string", "pattern": "^submit/."},
        "commit": _SOME,
        "release": _SOME,
        "review": _SOME,
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"},
        "graded_at": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"},
        "score": _WHOLE,
        "max-score": _WHOLE,
        "tests": {
            "type": "array",
            "items": _object(
                {"test-name": _SOME, "passed": {"type": "boolean"}, "score": _WHOLE, "max-score": _WHOLE},
                "test-name",
                "passed",
                "score",
                "max-score",
            ),
        },
    },
    *("schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release"),
    *("review", "datetime", "graded_at", "score", "max-score", "tests"),
)

_CAUSE = _object({"rationale": _SOME, "help": {"type": ["string", "null"]}}, "rationale")
#: https://cs50.readthedocs.io/projects/check50/en/latest/json_specification/
CHECK50 = _object(
    {
        "slug": _SOME,
        "version": _SOME,
        "results": {
            "type": "array",
            "items": {
                **_object(
                    {
                        "name": _SOME,
                        "description": _SOME,
                        "passed": {"type": ["boolean", "null"]},
                        "log": {"type": "array", "items": _TEXT},
                        "cause": {"anyOf": [_CAUSE, {"type": "null"}]},
                        "data": {"type": "object"},
                        "dependency": {"type": ["string", "null"]},
                    },
                    *("name", "description", "passed", "log", "cause", "data", "dependency"),
                ),
                "if": {"properties": {"passed": {"const": True}}},
                "then": {"properties": {"cause": {"type": "null"}}},
                "else": {"properties": {"cause": {"type": "object"}}},
            },
        },
    },
    "slug",
    "version",
    "results",
)

#: junit-10.xsd of Jenkins' xUnit plugin, as far as it goes here: element to its required and other attributes, and to
#: what may stand in it.
_JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time", "timestamp", "hostname"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"classname", "time", "assertions", "status"},
        {"failure", "error", "skipped", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def junit_faults(text: str) -> list[str]:
    """Say what of a document is not as the schema of JUnit's XML has it."""
    root = ElementTree.fromstring(text)
    faults = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    for element in root.iter():
        if element.tag not in _JUNIT:
            faults.append(f"unknown element {element.tag}")
            continue
        required, others, children = _JUNIT[element.tag]
        faults += [f"{element.tag} lacks {name}" for name in required - set(element.attrib)]
        faults += [f"{element.tag} has {name}" for name in set(element.attrib) - required - others]
        faults += [f"{child.tag} in {element.tag}" for child in element if child.tag not in children]
        for name in ("tests", "failures", "errors", "skipped"):
            if name in element.attrib and not re.fullmatch(r"\d+", element.attrib[name]):
                faults.append(f"{element.tag} {name} is no whole number")
    for suite in root.iter("testsuite"):
        found = {
            "tests": len(suite.findall("testcase")),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
            "skipped": len(suite.findall("testcase/skipped")),
        }
        faults += [f"{name}: {count}" for name, count in found.items() if suite.get(name) != str(count)]
    return faults
