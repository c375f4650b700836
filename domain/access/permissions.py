"""What a member may ask for, and how a key narrows it."""

from dataclasses import dataclass

ANY: None = None
"""Everything that is configured, now and later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """
    Where somebody's requests may go.

    Attributes:
        profiles: the profiles that may be used; `ANY` for all.
        providers: the providers that may be asked; `ANY` for all.
        paid: whether providers that cost money may be asked where the gateway allows them at all.
        lan_only: whether nothing may leave the house: only local and lan providers are asked.
    """

    profiles: frozenset[str] | None = ANY
    providers: frozenset[str] | None = ANY
    paid: bool = True
    lan_only: bool = False

    def narrowed_by(self, other: "Permissions") -> "Permissions":
        """What both allow: a key can take away, and never give."""
        return Permissions(
            profiles=_both(self.profiles, other.profiles),
            providers=_both(self.providers, other.providers),
            paid=self.paid and other.paid,
            lan_only=self.lan_only or other.lan_only,
        )


EVERYTHING = Permissions()
"""Nothing is forbidden."""


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
