"""What a comparison can come to."""

from __future__ import annotations

from typing import Literal

#: ``agree`` where rounding explains every difference and would have left a mistake visible, ``differ`` where it does
#: not explain one, ``cannot-tell`` where nothing differs but a mistake could hide.
Verdict = Literal["agree", "differ", "cannot-tell"]
