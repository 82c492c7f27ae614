"""Every page is one closed document: nothing is asked for, nothing of anybody's runs, every sign can be seen."""

from __future__ import annotations

import re

import pytest

from nncheck.language import use
from nncheck.report.html.clean import clean, cleaned, clip
from nncheck.report.html.page import identifier, page, policy, template
from tests.report.html.reading import data, faults, read

EVERY_SIGN = "".join(map(chr, [*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]))


def test_a_page_is_closed_and_its_scripts_are_those_of_its_policy() -> None:
    text = page("A title", "<h1>A title</h1>", scripts=["let a = '<b>' && 1;"], later={"big": "2;"}, data={"d": [1]})
    assert not faults(text)
    document = read(text)
    assert document.one("html").attributes["lang"] == "en"
    assert data(document, "d") == [1]
    assert text.count("sha256-") == 2
    with use("ko"):
        assert read(page("A", "<h1>A</h1>")).one("html").attributes["lang"] == "ko"
    assert read(page("A", "<h1>A</h1>", language="ko")).one("html").attributes["lang"] == "ko"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda text: text.replace("alpha()", "alpha( )"), "a script that may not run"),
        (lambda text: text.replace("</main>", '<img src="http://a.b/c.png"></main>'), "another place"),
        (lambda text: text.replace("</main>", '<img src="//a.b/c.png"></main>'), "another place"),
        (lambda text: text.replace("</main>", '<p style="background: url(x)"></p></main>'), "another place"),
        (lambda text: text.replace("</main>", '<p onclick="a()"></p></main>'), "a handler"),
        (lambda text: text.replace("</main>", "<p>\x1b</p></main>"), "control characters"),
        (lambda text: text.replace("</main>", "<h4>deep</h4></main>"), "headings out of order"),
        (lambda text: text.replace("</main>", '<a href="#gone">x</a></main>'), "a link to nothing"),
        (lambda text: text.replace("</main>", "<table><tr><th>x</th></tr></table></main>"), "a table without"),
        (lambda text: text.replace("default-src &#39;none&#39;", "default-src *"), "a weak policy"),
    ],
)
def test_a_planted_fault_of_a_page_is_caught(spoil: object, fault: str) -> None:
    text = page("A", "<h1>A</h1>", scripts=["alpha()"])
    assert not faults(text)
    assert any(found.startswith(fault) for found in faults(spoil(text)))  # type: ignore[operator]


def test_an_element_that_is_not_ended_is_caught() -> None:
    with pytest.raises(AssertionError):
        read(page("A", "<h1>A</h1><p><b></p>"))


def test_the_policy_names_no_script_where_there_is_none() -> None:
    assert policy([]) == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # SHA-256 of the empty text, as FIPS 180-4's test vectors have it, in base64
    assert "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';" in policy([""])


@pytest.mark.parametrize("text", ["a</script>b", "a</SCRIPT >b", "<!-- a"])
def test_a_script_that_would_end_its_element_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="would end the element"):
        page("A", "<h1>A</h1>", scripts=[text])
    with pytest.raises(ValueError, match="would end the element"):
        page("A", "<h1>A</h1>", later={"x": text})


def test_a_style_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="would end the element"):
        page("A", "<h1>A</h1>", styles=["p {} </style>"])


def test_data_ends_no_element_and_keeps_its_text() -> None:
    hostile = "</script><script>alert(1)</script> & \u2028 <!-- ' \" \\"
    text = page("A", "<h1>A</h1>", data={"d": {hostile: [hostile, 1.5, None, True]}})
    assert not faults(text)
    shown = hostile.replace("\u2028", "\\u2028")
    assert data(read(text), "d") == {shown: [shown, 1.5, None, True]}
    assert "alert(1)</script>" not in text


def test_a_title_is_escaped() -> None:
    text = page("<script>alert(1)</script>\"' &", "<h1>A</h1>")
    assert not faults(text)
    assert read(text).one("title").text == "<script>alert(1)</script>\"' &"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\\x0db"),
        ("\x00\x07\x1b[31m\x7f", r"\x00\x07\x1b[31m\x7f"),
        ("\x85\x9b", "\\x85\\x9b"),
        ("\u202eexe.txt\u2066\u200f", "\\u202eexe.txt\\u2066\\u200f"),
        ("\ud800 \udfff", "\\ud800 \\udfff"),
        ("\ufeffa\uffff", "\\ufeffa\\uffff"),
        ("가나 é 👍\u200d🎓", "가나 é 👍\u200d🎓"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    assert clean(text) == shown
    shown.encode("utf-8")


def test_every_control_character_of_a_value_is_shown_wherever_it_stands() -> None:
    text = template("base.html").render(
        title=EVERY_SIGN,
        body="",
        styles=(),
        scripts=(),
        later={},
        beside=(),
        data={},
        policy="",
        language="en",
        version="",
    )
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    assert not faults(page(EVERY_SIGN, "<h1>A</h1>", data={"d": [EVERY_SIGN, {EVERY_SIGN: EVERY_SIGN}]}))
    assert cleaned((EVERY_SIGN, 1)) == [clean(EVERY_SIGN), 1]


def test_a_megabyte_in_one_line_is_clipped_and_said_so() -> None:
    assert clip("x" * 1_000_000, 5) == "xxxxx … (1,000,000 characters in all)"
    assert clip("xxxxx", 5) == "xxxxx"
    text = page("y" * 1_000_000, "<h1>A</h1>", data={"d": "z" * 1_000_000})
    assert len(text) < 60_000


def test_ids_hold_nothing_that_ends_an_attribute() -> None:
    assert identifier("case", "my|case<b>") == "case-my-case-b"
    assert identifier("case", "예제 1") == "case-예제-1"
    assert identifier("case", '"><') == "case-x"


def test_what_a_template_is_not_given_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        template("base.html").render(title="A")
