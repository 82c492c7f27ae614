"""Korean particles: which form of 을/를, 이/가, 은/는, 과/와, 으로/로 follows a word, by its final sound.

A translator cannot know what will stand in a placeholder, so writes both forms, as Korean print does: ``{name}을(를)``.
"""

from __future__ import annotations

import re
from typing import Literal

Final = Literal["", "ㄹ", "other"]  # how a word's last syllable ends: in a vowel, in ㄹ, in another consonant

# Both forms as they are written, then the one after a consonant and the one after a vowel.
_PAIRS = {
    "을(를)": ("을", "를"),
    "를(을)": ("을", "를"),
    "이(가)": ("이", "가"),
    "가(이)": ("이", "가"),
    "은(는)": ("은", "는"),
    "는(은)": ("은", "는"),
    "과(와)": ("과", "와"),
    "와(과)": ("과", "와"),
    "이(라)": ("이라", "라"),
    **{f"(이){ending}": (f"이{ending}", ending) for ending in "라란고나며면"},
    "(으)로": ("으로", "로"),  # 로 also after ㄹ: 손실로
}
_DOUBLE = re.compile(r"(?<=\S)(?:" + "|".join(map(re.escape, _PAIRS)) + ")")

_DIGITS: dict[str, Final] = dict(zip("0123456789", ("other", "ㄹ", "", "other", "", "", "other", "ㄹ", "ㄹ", "")))
_LETTERS: dict[str, Final] = {"l": "ㄹ", "r": "ㄹ", "m": "other", "n": "other"}  # 엘, 알, 엠, 엔; the others end open
_CLOSING = ')]}>"`’”」』》〉'
_PRIMES = "'′"


def settle(text: str, before: str = "") -> str:
    """Return Korean text with every double form resolved by the sound in front of it.

    Parameters
    ----------
    text : str
        Such as ``을(를) 다시 보세요``.
    before : str
        What stands in front of it, itself left as it is: ``dW2[0, 1]``.

    Returns
    -------
    text : str
        A double form stays where nothing is known of the sound in front.
    """

    def form(match: re.Match[str]) -> str:
        if match.start() < len(before):
            return match.group()
        return _resolved(match.group(), final_sound(match.string[: match.start()]))

    return _DOUBLE.sub(form, before + text)[len(before) :]


def final_sound(text: str) -> Final | None:
    """Return how the last sound of a text ends when it is read aloud in Korean, None if that is not known.

    Hangul by its code; digits as numbers are read (1 일); Latin letters by their names (L 엘), but for the silent r of
    words such as ``vector`` (벡터) and the silent e of such as ``two_to_one`` (원); an apostrophe after a name is
    프라임. Closing brackets and quotes are passed over: ``dW2[0, 1]`` ends as the 1 does.
    """
    at = len(text) - 1
    while at >= 0 and (text[at] in _CLOSING or (text[at] in _PRIMES and not _is_prime(text, at))):
        at -= 1
    if at < 0:
        return None
    sign = text[at]
    if "가" <= sign <= "힣":
        jongseong = (ord(sign) - ord("가")) % 28  # place in the row of 28 endings: 0 none, 8 ㄹ
        return "" if jongseong == 0 else "ㄹ" if jongseong == 8 else "other"
    if sign in _PRIMES:
        return "other"  # 프라임
    if sign == "%":
        return ""  # 퍼센트
    if sign in _DIGITS:
        return _DIGITS[sign]
    if sign.isascii() and sign.isalpha():
        if re.search(r"[A-Za-z][aeo]r$", text[: at + 1]):
            return ""
        before_e = re.search(r"[a-z]([lmn])e$", text[: at + 1])
        return _LETTERS.get(before_e[1] if before_e else sign.lower(), "")
    return None


def _resolved(double: str, sound: Final | None) -> str:
    if sound is None:
        return double
    closed, open_ = _PAIRS[double]
    return open_ if sound == "" or (sound == "ㄹ" and double == "(으)로") else closed


def _is_prime(text: str, at: int) -> bool:
    """Whether the apostrophe there is the prime of W' and does not close a quotation as in 'hidden'."""
    if text[at] == "′":
        return True
    opened = False
    for place in range(at):
        if text[place] == "'":
            after_name = place > 0 and (text[place - 1].isalnum() or text[place - 1] in _CLOSING + _PRIMES)
            opened = not opened and not after_name
    return not opened and at > 0
