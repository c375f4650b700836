"""What an answer costs, from the tokens of each class and the rates that its provider charges."""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from domain.budget.money import NANO_PER_USD, NOTHING, NanoUsd
from domain.conversation.reply import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    What a model charges, in nano-USD for a million tokens of each class.

    A vendor's dollars for a million tokens have a few decimals, so these are whole numbers and no cost is
    ever the victim of a fraction: the only rounding is that of the sum, upwards, so that we never count less
    than the bill.
    """

    input_rate: int
    output_rate: int
    cache_read_rate: int
    cache_creation_rate: int
    cache_hour_rate: int
    dearest_input_rate: int = field(init=False, repr=False, compare=False)
    """Of all input but what is to stay in a cache for an hour."""
    is_free: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        dearest = max(self.input_rate, self.cache_read_rate, self.cache_creation_rate)
        object.__setattr__(self, "dearest_input_rate", dearest)
        object.__setattr__(self, "is_free", not (dearest or self.output_rate or self.cache_hour_rate))

    def cost(self, usage: Usage) -> NanoUsd:
        """
        What these tokens cost. Reasoning is part of the output, cached tokens are no part of the input.

        >>> sonnet = price(input_usd=3.0, output_usd=15.0)
        >>> sonnet.cost(Usage(input_tokens=1000, output_tokens=200, cache_read_tokens=10_000))
        9000000
        """
        read, written = usage.input_tokens, usage.output_tokens
        cost = read * self.input_rate if read is not None and read > 0 else 0
        if written is not None and written > 0:
            cost += written * self.output_rate
        if usage.cache_read_tokens:
            cost += _count(usage.cache_read_tokens) * self.cache_read_rate
        if usage.cache_creation_tokens:
            created = _count(usage.cache_creation_tokens)
            for_an_hour = min(_count(usage.cache_hour_tokens), created)
            cost += (created - for_an_hour) * self.cache_creation_rate + for_an_hour * self.cache_hour_rate
        return NanoUsd(-(-cost // _MILLION))

    def savings(self, usage: Usage) -> NanoUsd:
        """What the cached tokens would have cost beyond what they did; filling the cache counts no loss."""
        if not usage.cache_read_tokens:
            return NOTHING
        spared = _count(usage.cache_read_tokens) * (self.input_rate - self.cache_read_rate)
        return NanoUsd(max(0, spared // _MILLION))

    def at_most(self, input_tokens: int, output_tokens: int, *, cached_for_an_hour: bool = False) -> NanoUsd:
        """The cost if each input token were of the dearest class, and the answer as long as it may be."""
        dearest = self.dearest_input_rate
        if cached_for_an_hour:
            dearest = max(dearest, self.cache_hour_rate)
        return NanoUsd(-(-(input_tokens * dearest + output_tokens * self.output_rate) // _MILLION))


def price(
    *,
    input_usd: float | None = None,
    output_usd: float | None = None,
    cache_read_discount: float = 0.10,
    cache_creation_premium: float = 1.25,
    cache_hour_premium: float = 2.0,
) -> Price | None:
    """
    The price as the configuration says it, in USD for a million tokens; ``None`` if it names no rate.

    Args:
        cache_read_discount: times the input rate, what a token read from the prompt cache costs.
        cache_creation_premium: times the input rate, what a token written to it costs.
        cache_hour_premium: times the input rate, what a token costs that is to stay in it for an hour.
    """
    if input_usd is None and output_usd is None:
        return None
    base = _decimal(input_usd or 0.0)
    return Price(
        input_rate=_rate(base),
        output_rate=_rate(_decimal(output_usd or 0.0)),
        cache_read_rate=_rate(base * _decimal(cache_read_discount)),
        cache_creation_rate=_rate(base * _decimal(cache_creation_premium)),
        cache_hour_rate=_rate(base * _decimal(cache_hour_premium)),
    )


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))


def _rate(usd: Decimal) -> int:
    return int((usd * NANO_PER_USD).to_integral_value(ROUND_CEILING))


def _count(tokens: int | None) -> int:
    """Servers have been seen to count less than nothing."""
    return tokens if tokens is not None and tokens > 0 else 0
