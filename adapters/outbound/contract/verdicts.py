"""What becomes of a promise: it was kept, it was broken, or nobody could tell."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.outbound.contract.trial import Trial


@dataclass(frozen=True, slots=True)
class Promise:
    """
    One thing that the gateway relies on.

    Attributes:
        name: for naming it on a command line.
        words: what is promised, as a sentence.
        check: puts an adapter to the test; raises `BrokenPromise` or `NotAsked`.
    """

    name: str
    words: str
    check: Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The adapter did as promised."""


@dataclass(frozen=True, slots=True)
class Broken:
    """It did not; ``seen`` says what it did instead."""

    seen: str


@dataclass(frozen=True, slots=True)
class Unasked:
    """It could not be put to the test; ``reason`` says why."""

    reason: str


Verdict: TypeAlias = Kept | Broken | Unasked
