"""Finds members and keys that may ask for nothing, and tells whom somebody may ask."""

from collections.abc import Iterator, Mapping

from config.schema.access import Access
from config.schema.root import Config
from config.translate_access import member_permissions, permissions_of
from domain.access.permissions import Permissions
from domain.routing.targets import Locality, ProviderSpec

Specs = Mapping[str, ProviderSpec]


def access_advice(config: Config, providers: Specs) -> Iterator[str]:
    """One sentence for each of the configuration's own."""
    members = member_permissions(config)
    for name, member in config.members.items():
        yield from _of_access(f"member {name}", member, askable(config, providers, members[name]))
    for index, key in enumerate(config.auth.keys):
        allowed = members[key.member].narrowed_by(permissions_of(key))
        if askable(config, providers, members[key.member]):
            yield from _of_access(f"auth.keys[{index}]", key, askable(config, providers, allowed))


def askable(config: Config, specs: Specs, allowed: Permissions) -> frozenset[str]:
    """Whom somebody with these permissions may ask, in the chains of the profiles if some are named."""
    chains = {profile.name: profile.providers for profile in config.profiles}
    listed = (
        specs.keys()
        if allowed.profiles is None
        else {name for each in allowed.profiles for name in chains.get(each, ())}
    )
    return frozenset(name for name in listed if _may_ask(allowed, specs[name]))


def _of_access(title: str, access: Access, may_ask: frozenset[str]) -> Iterator[str]:
    empty = [key for key in ("profiles", "providers") if getattr(access, key) == ()]
    if empty:
        yield f"{title} may use nothing: its {' and '.join(empty)} names none (left out, it means all)"
    elif not may_ask:
        bounds = [key for key in _BOUNDS if key in access.model_fields_set]
        yield f"{title} may use nothing: no provider is left by {', '.join(bounds)}"


_BOUNDS = ("profiles", "providers", "paid", "lan_only")


def _may_ask(allowed: Permissions, spec: ProviderSpec) -> bool:
    return (
        (allowed.providers is None or spec.name in allowed.providers)
        and (allowed.paid or not spec.paid)
        and not (allowed.lan_only and spec.locality is Locality.CLOUD)
    )
