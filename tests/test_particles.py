"""Korean particles behind the names that messages hold; expected forms from the Korean names of letters and digits."""

from __future__ import annotations

import pytest

from nncheck.particles import final_sound, settle

# What stands in front, and the forms of 을(를), 이(가), 은(는), 과(와), (으)로 that Korean wants behind it.
NAMES = {
    "dW": "를 가 는 와 로",  # 디더블유
    "dB2": "를 가 는 와 로",  # 이
    "dZ2[0, 1]": "을 이 은 과 로",  # 일
    "W'": "을 이 은 과 으로",  # 프라임
    "B2′": "을 이 은 과 으로",
    "dY": "를 가 는 와 로",  # 와이
    "E": "를 가 는 와 로",  # 이
    "`dZ = dH * (Z > 0)`": "을 이 은 과 으로",  # 영
    "손실": "을 이 은 과 로",
    "기울기": "를 가 는 와 로",
    "편향": "을 이 은 과 으로",
    "`dW2`": "를 가 는 와 로",
    "`W'`": "을 이 은 과 으로",
    "'hidden'": "을 이 은 과 으로",  # 엔: the apostrophe closes a quotation
    "the student's 'dW'": "를 가 는 와 로",
    "「손실」": "을 이 은 과 로",
    "(N, 3)": "을 이 은 과 으로",  # 삼
    "vector": "를 가 는 와 로",  # 벡터
    "ValueError": "를 가 는 와 로",  # 에러
    "r": "을 이 은 과 로",  # 알
    "two_to_one": "을 이 은 과 으로",  # 원
    "file": "을 이 은 과 로",  # 파일
    "W1e": "를 가 는 와 로",  # 이
    "50%": "를 가 는 와 로",  # 퍼센트
}
CONSONANT = "013678LMNR"  # 영 일 삼 육 칠 팔 엘 엠 엔 알
RIEUL = "178LR"


@pytest.mark.parametrize(("name", "forms"), NAMES.items())
def test_each_name_gets_the_particle_that_fits(name: str, forms: str) -> None:
    assert settle(f"{name}을(를) {name}이(가) {name}은(는) {name}과(와) {name}(으)로") == " ".join(
        name + form for form in forms.split()
    )


@pytest.mark.parametrize("sign", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_digits_and_letters_sound_as_they_are_read(sign: str) -> None:
    closed = sign in CONSONANT
    for each in (sign, sign.lower()):
        assert settle("을(를)", each) == ("을" if closed else "를")
        assert settle("(으)로", each) == ("으로" if closed and sign not in RIEUL else "로")


def test_hangul_sounds_as_its_code_says() -> None:
    for syllable in ("가", "힣", "값", "길", "왜"):
        spoken = {"가": "", "힣": "other", "값": "other", "길": "ㄹ", "왜": ""}[syllable]
        assert final_sound(syllable) == spoken


@pytest.mark.parametrize(
    ("before", "double", "form"),
    [
        ("W", "(이)라고 합니다", "라고 합니다"),
        ("손실", "(이)라고 합니다", "이라고 합니다"),
        ("손실", "이(라)고 합니다", "이라고 합니다"),
        ("W", "이(라)는", "라는"),
        ("N", "(이)나", "이나"),
        ("W", "를(을)", "를"),
        ("N", "는(은)", "은"),
        ("손실", "가(이)", "이"),
        ("손실", "와(과)", "과"),
        ("손실", "(으)로서", "로서"),
    ],
)
def test_other_double_forms(before: str, double: str, form: str) -> None:
    assert settle(double, before) == form


@pytest.mark.parametrize("before", ["", "?", "...", "()", "α", "漢"])
def test_a_double_form_stays_where_the_sound_is_not_known(before: str) -> None:
    assert settle("을(를) 보세요", before) == "을(를) 보세요"


def test_only_particles_are_touched() -> None:
    for text in ("Y (이전 층의 출력)", "과 (와)", "f(이)", "을 (를)"):
        assert settle(text, "W") == text
    assert settle("을(를) dB은(는)", "'을(를)' W") == "를 dB는"  # what stands in front is a person's own text
