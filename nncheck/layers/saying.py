"""What a finding or a note says of a quantity of a layer that was judged."""

from __future__ import annotations

from collections.abc import Iterator

from nncheck.language import phrase
from nncheck.layers.judged import Judged
from nncheck.verification import Explanation, Finding


def value_finding(judged: Judged, explanations: tuple[Explanation, ...]) -> Finding:
    """Say where and by how much a quantity differs, and what explains it."""
    checked, worst = judged.checked, judged.checked.worst
    assert worst is not None
    at = f"[{', '.join(map(str, worst.index))}]" if worst.index else ""
    text = phrase(
        "{element} is {got:.10g}, expected {expected:.10g}: they differ by {error:.3g}, and {bound:.1g} is allowed; "
        "{wrong} of {of} element(s) differ.",
        element=f"{checked.name}{at}",
        got=worst.got,
        expected=worst.expected,
        error=worst.error,
        bound=worst.bound,
        wrong=checked.wrong,
        of=checked.of,
    )
    if explanations:
        text = f"{text} {explanations[0].text}"
    return Finding(
        kind="value", quantity=checked.name, index=worst.index, line=None, text=text, explanations=explanations
    )


def notes_of(judged: Judged) -> Iterator[str]:
    """Yield what is worth knowing of a verdict: kinks, what is not finite."""
    name = judged.checked.name
    if judged.kinks:
        places = ", ".join(str(list(index)) for index in judged.kinks[:4]) + (" ..." if len(judged.kinks) > 4 else "")
        yield phrase(
            "{name}: {count} element(s) lie on a kink ({places}), where either one-sided derivative, and all "
            "between, is right.",
            name=name,
            count=len(judged.kinks),
            places=places,
        )
    if judged.both_not_finite:
        yield phrase(
            "{name}: {count} element(s) are NaN or infinite on both sides.", name=name, count=judged.both_not_finite
        )
