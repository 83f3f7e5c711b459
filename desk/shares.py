"""Shares that are honest about how few they were counted of."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from flask_babel import gettext

Z: Final = 1.959964
"""Of twenty such intervals one does not hold what it is said to hold."""
FEW: Final = 20
"""Under so many the interval is so wide that it is said."""


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, and between what the share of all may lie that these are a sample of.

    The interval is Wilson's score interval (E. B. Wilson, JASA 22, 1927): it stays within 0 and 1 and means something
    of two as well as of two thousand.
    """

    part: int
    whole: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.part / self.whole) if self.whole else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the lower and the upper end, between 0 and 1; all of it where nothing was counted."""
        if not self.whole:
            return 0.0, 1.0
        share, square = self.part / self.whole, Z * Z / self.whole
        middle = (share + square / 2) / (1 + square)
        half = Z * sqrt(share * (1 - share) / self.whole + square / (4 * self.whole)) / (1 + square)
        return max(0.0, middle - half), min(1.0, middle + half)


def in_words(share: Share) -> str:
    """Return a share as a page says it: with how many it was counted of, and between what it may lie."""
    if share.percent is None:
        return str(gettext("Nothing yet."))
    low, high = (round(100 * one) for one in share.bounds)
    said = gettext(
        "%(percent)s %% of %(whole)s (by chance alone anything from %(low)s to %(high)s %%).",
        percent=share.percent,
        whole=share.whole,
        low=low,
        high=high,
    )
    few = gettext("So few say little.")
    return f"{said} {few}" if share.whole < FEW else str(said)


def briefly(share: Share) -> str:
    """Return a share as a cell of a table has it; a dash where there is nothing."""
    if share.percent is None:
        return "–"
    low, high = (round(100 * one) for one in share.bounds)
    return f"{share.percent} % ({low}–{high})"
