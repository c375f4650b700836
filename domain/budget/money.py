"""Amounts of money, exact to the billionth of a US dollar."""

from decimal import ROUND_CEILING, Decimal
from typing import NewType

NanoUsd = NewType("NanoUsd", int)
"""Billionths of a US dollar; whole numbers, so that sums of many small amounts stay exact."""

NANO_PER_USD = 1_000_000_000
NOTHING = NanoUsd(0)


def from_usd(usd: float | Decimal) -> NanoUsd:
    """
    The amount that was written down, such as ``0.15``; what is finer than a billionth is rounded up.

    >>> from_usd(0.15)
    150000000
    """
    return NanoUsd(int((Decimal(str(usd)) * NANO_PER_USD).to_integral_value(ROUND_CEILING)))


def exact_usd(amount: NanoUsd) -> float:
    """
    To the last billionth, for what is added up elsewhere.

    >>> exact_usd(NanoUsd(1_234_567_891))
    1.234567891
    """
    return amount / NANO_PER_USD


def from_exact_usd(usd: float) -> NanoUsd:
    """
    What `exact_usd` made a number of, to the billionth up to two million dollars.

    >>> from_exact_usd(exact_usd(NanoUsd(1_234_567_891)))
    1234567891
    """
    return NanoUsd(round(usd * NANO_PER_USD))


def in_usd(amount: NanoUsd) -> float:
    """
    To six decimals, for people.

    >>> in_usd(NanoUsd(1_234_567_890))
    1.234568
    """
    return round(amount / NANO_PER_USD, 6)
