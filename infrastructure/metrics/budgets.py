"""How budgets stand, as gauges."""

from collections.abc import Callable, Iterable
from types import MappingProxyType

from prometheus_client.core import GaugeMetricFamily

from domain.budget.money import NanoUsd, exact_usd
from domain.budget.standing import Standing

_LABELS = ("account", "name", "span")

_Figure = Callable[[Standing], NanoUsd]
_GAUGES: MappingProxyType[str, tuple[str, _Figure]] = MappingProxyType(
    {
        "coderouter_budget_cap_usd": ("How much may be spent in the current period.", lambda it: it.cap),
        "coderouter_budget_settled_usd": (
            "How much is spent of a budget in the current period.",
            lambda it: it.settled,
        ),
        "coderouter_budget_reserved_usd": (
            "How much of a budget is promised to requests under way in the worker that answers.",
            lambda it: it.reserved,
        ),
        "coderouter_budget_held_usd": (
            "How much of what is left of a budget is lent to workers, held ready for the next requests.",
            lambda it: it.held,
        ),
    }
)


def budget_families(budgets: Iterable[Standing]) -> list[GaugeMetricFamily]:
    """
    One family for each figure of a budget.

    The ledger knows the figures for all workers and gateways that share it, so that no process counts them.
    """
    standings = list(budgets)
    return [_family(name, words, figure, standings) for name, (words, figure) in _GAUGES.items()]


def _family(name: str, words: str, figure: _Figure, budgets: Iterable[Standing]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=_LABELS)
    for standing in budgets:
        account = standing.account
        family.add_metric((account.kind, account.name, standing.span), exact_usd(figure(standing)))
    return family
