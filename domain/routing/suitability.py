"""Looks for profiles that promise a client more than their models keep."""

from collections.abc import Iterator

from domain.inventory.shaping import SuitabilityDegraded
from domain.routing.targets import RoutingTable

_MADE_FOR_CLAUDE_CODE = "claude-code"
"""How the names of such profiles begin."""


def suitability_warnings(table: RoutingTable) -> Iterator[SuitabilityDegraded]:
    """One warning for each profile made for Claude Code with models that are known to serve it badly."""
    for name, profile in table.profiles.items():
        unfit = [t for t in profile.targets if table.providers[t.provider].capabilities.claude_code is False]
        if unfit and name.startswith(_MADE_FOR_CLAUDE_CODE):
            yield SuitabilityDegraded(
                profile=name,
                degraded_providers=tuple(target.provider for target in unfit),
                degraded_models=tuple(target.model for target in unfit),
            )
