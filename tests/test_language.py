"""Messages in the language that is spoken: chosen, filled in, and English where there is no translation."""

from __future__ import annotations

import gettext
import threading

import pytest

from nncheck import language
from nncheck.errors import InputError
from nncheck.language import N_, _, current, filled, phrase, plural, reason_of, speaking, use


@pytest.fixture
def korean(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put a small catalogue in the place of nncheck's own; messages can be added to it."""
    messages = {
        "{name} differs from {other}": "{other}과(와) {name}이(가) 다릅니다",
        "{ratio:.1f} times {bound!r}": "{bound!r}의 {ratio:.1f}배",
        "{{W}} of {name:>{width}}": "{name:>{width}}의 {{W}}",
        "the loss": "손실",
    }

    class Small(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return messages.get(message, message)

    monkeypatch.setattr(language, "_catalogue", lambda name: Small() if name == "ko" else gettext.NullTranslations())
    return messages


def test_english_is_spoken_unless_another_language_is_chosen(korean: dict[str, str]) -> None:
    assert (current(), _("the loss")) == ("en", "the loss")
    with use("ko"):
        assert (current(), _("the loss"), N_("the loss")) == ("ko", "손실", "the loss")
        with use("en"):
            assert _("the loss") == "the loss"
        assert _("the loss") == "손실"
    assert _("the loss") == "the loss"


def test_the_language_returns_after_an_error(korean: dict[str, str]) -> None:
    with pytest.raises(ZeroDivisionError), use("ko"):
        _ = 1 / 0
    assert current() == "en"


def test_a_message_without_translation_is_english(korean: dict[str, str]) -> None:
    with use("ko"):
        assert phrase("{n} points", n=3) == "3 points"
        assert _("") == ""


def test_placeholders_are_filled_as_str_format_does(korean: dict[str, str]) -> None:
    assert phrase("{ratio:.1f} times {bound!r}", ratio=2.345, bound="b") == "2.3 times 'b'"
    assert phrase("{{W}} of {name:>{width}}", name="dW", width=4) == "{W} of   dW"
    with use("ko"):
        assert phrase("{ratio:.1f} times {bound!r}", ratio=2.345, bound="b") == "'b'의 2.3배"
        assert phrase("{{W}} of {name:>{width}}", name="dW", width=4) == "  dW의 {W}"
    with pytest.raises(KeyError, match="name"):
        phrase("{name}")


def test_korean_particles_follow_what_is_filled_in(korean: dict[str, str]) -> None:
    assert phrase("{name} differs from {other}", name="dW", other="dZ2[0, 1]") == "dW differs from dZ2[0, 1]"
    with use("ko"):
        assert phrase("{name} differs from {other}", name="dW", other="dZ2[0, 1]") == "dZ2[0, 1]과 dW가 다릅니다"
        assert phrase("{name} differs from {other}", name="손실", other="E") == "E와 손실이 다릅니다"
        assert phrase("{name} differs from {other}", name="x이(가)", other="?") == "?과(와) x이(가)가 다릅니다"


def test_a_thread_has_a_language_of_its_own(korean: dict[str, str]) -> None:
    heard = []
    with use("ko"):
        thread = threading.Thread(target=lambda: heard.append(_("the loss")))
        thread.start()
        thread.join()
    assert heard == ["the loss"]


def test_a_language_that_nncheck_does_not_speak_is_refused() -> None:
    with pytest.raises(InputError, match="language: got 'fr', expected en or ko"), use("fr"):
        pass


def test_the_catalogue_that_comes_with_nncheck_is_found() -> None:
    with use("ko"):
        assert phrase("the ReLU of {source}", source="Z") == "Z에 ReLU를 적용한 값"


def test_a_function_speaks_the_language_that_it_is_given(korean: dict[str, str]) -> None:
    @speaking
    def say(what: str, *, language: str = "en") -> str:
        """Say something."""
        if what == "wrong":
            raise InputError(_("the loss"))
        return f"{language}: {_(what)}"

    assert say("the loss") == "en: the loss"
    assert say("the loss", language="ko") == "ko: 손실"
    with use("ko"):
        assert say("the loss") == "en: the loss"
    with pytest.raises(InputError, match="손실"):
        say("wrong", language="ko")
    with pytest.raises(InputError, match="expected en or ko"):
        say("the loss", language="fr")
    assert (say.__doc__, say.__name__) == ("Say something.", "say")


def test_plurals_are_of_the_language_and_other_words_are_filled_in_likewise(korean: dict[str, str]) -> None:
    assert [plural("{n} step", "{n} steps", n) for n in (1, 2)] == ["{n} step", "{n} steps"]
    with use("ko"):
        assert filled("{name}을(를) {n}번", {"name": "dW", "n": 2}) == "dW를 2번"
    assert filled("{name!r:>4}", {"name": "a"}) == " 'a'"


def test_what_the_system_says_is_translated_where_it_is_known(korean: dict[str, str]) -> None:
    korean["Permission denied"] = "권한이 없습니다"
    with use("ko"):
        assert reason_of(PermissionError(13, "Permission denied")) == "권한이 없습니다"
        assert reason_of(OSError(5, "Input/output error")) == "Input/output error"
        assert reason_of(OSError("the tape is torn")) == "the tape is torn"
    assert reason_of(PermissionError(13, "Permission denied")) == "Permission denied"
