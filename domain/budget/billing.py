"""What an attempt has cost, as far as can be told from how it ended."""

from dataclasses import replace
from enum import StrEnum

from domain.budget.money import NOTHING, NanoUsd
from domain.budget.pricing import Price
from domain.conversation.reply import Usage
from domain.failures import FailureKind, UpstreamFailure
from domain.values import value

_CHARACTERS_PER_TOKEN = 4

USUAL_ANSWER = 4096
"""Tokens of an answer of which nothing was heard, where a guess will do."""

LONGEST_ANSWER = 393_216
"""
Tokens: the longest that we know the vendor of a model to document, as of 2026-11 ("MAX OUTPUT" of DeepSeek
V4, https://api-docs.deepseek.com/quick_start/pricing). Others who serve an open model may let it write more.
"""

_MAY_BE_BILLED = frozenset(
    {
        FailureKind.SLOW,
        FailureKind.GARBLED,
        FailureKind.BROKEN_OFF,
        FailureKind.ADAPTER_FAULT,
        FailureKind.CLIENT_LEFT,
    }
)
"""Failures after which the upstream may have worked, and charge for it."""

_GATEWAY_TIMEOUTS = frozenset({504, 524})
"""Somebody between us and the upstream lost patience, who does not know what it did."""


_NOTHING_USED = Usage()


class Certainty(StrEnum):
    """How well the cost of an attempt is known."""

    NOTHING = "nothing"
    COUNTED = "counted"
    UNKNOWN = "unknown"


@value
class Seen:
    """
    What was seen of an attempt.

    Attributes:
        sent: whether the upstream was asked.
        complete: whether its answer came to its end.
        failure: what went wrong, if that was the upstream.
        usage: what it reported.
        characters: of its answer.
        prompt_tokens: of the question, as estimated.
        unheard_tokens: as many as may have been written of an answer that comes whole, when it did not come.
    """

    sent: bool
    complete: bool
    failure: UpstreamFailure | None
    usage: Usage | None
    characters: int
    prompt_tokens: int
    unheard_tokens: int = 0


@value
class Bill:
    """
    The cost of one attempt.

    Attributes:
        usage: the tokens that are paid for; reported, or estimated where nobody said.
        estimated: whether any of it is an estimate.
        set_aside: what hard budgets are charged beyond the cost, as nobody knows what will be billed.
    """

    certainty: Certainty
    usage: Usage = _NOTHING_USED
    cost: NanoUsd = NOTHING
    savings: NanoUsd = NOTHING
    estimated: bool = False
    set_aside: NanoUsd = NOTHING


NO_BILL = Bill(certainty=Certainty.NOTHING)

_COUNTED, _UNKNOWN = Certainty.COUNTED, Certainty.UNKNOWN
"""Under Python 3.11 it takes long to find a member of an enumeration, and every request comes here."""


def counted_bill(usage: Usage | None, price: Price | None) -> Bill | None:
    """
    The bill of an answer that came to its end, as nearly all do; ``None`` where something was not counted.

    It is what `bill` makes of such an answer, without looking at what else was seen of it.
    """
    if usage is None or not usage.output_tokens or not (usage.input_tokens or counts_prompt(usage)):
        return None
    if price is None:
        return Bill(_COUNTED, usage)
    savings = price.savings(usage) if usage.cache_read_tokens else NOTHING
    return Bill(_COUNTED, usage, price.cost(usage), savings)


def bill(seen: Seen, price: Price | None) -> Bill:
    """The cost of what was seen; nothing where the model has no price."""
    failure = seen.failure
    if not seen.sent or (failure is not None and not may_be_billed(failure)):
        return NO_BILL
    certainty = _COUNTED if seen.complete else _UNKNOWN
    usage = _estimated(seen)
    estimated = certainty is _UNKNOWN or usage is not seen.usage
    if price is None:
        return Bill(certainty, usage, estimated=estimated)
    return Bill(certainty, usage, price.cost(usage), price.savings(usage), estimated)


def may_be_billed(failure: UpstreamFailure) -> bool:
    """Whether the upstream may charge for an attempt that failed in this way."""
    if failure.kind is FailureKind.UNREACHABLE:
        return failure.was_sent
    return failure.kind in _MAY_BE_BILLED or failure.status in _GATEWAY_TIMEOUTS


def counts_prompt(usage: Usage) -> bool:
    """Whether the upstream has counted the prompt."""
    return bool(usage.input_tokens or usage.cache_read_tokens or usage.cache_creation_tokens)


def _estimated(seen: Seen) -> Usage:
    """
    What was reported, with estimates in the place of what was not.

    No server counts nothing for words that it has made, or for a prompt that it has read: noughts stand for
    what it does not know.
    """
    said = _NOTHING_USED if seen.usage is None else seen.usage
    heard = -(-seen.characters // _CHARACTERS_PER_TOKEN) or seen.unheard_tokens
    if not counts_prompt(said):
        said = replace(said, input_tokens=seen.prompt_tokens)
    told = said.output_tokens
    if told is None or (told < heard and not (told and seen.complete)):
        said = replace(said, output_tokens=heard)
    return said
