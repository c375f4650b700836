"""Which profile a request goes to, by what the client said."""

from collections.abc import Iterable
from dataclasses import replace

from domain.access.keys import ANYBODY, Caller
from domain.routing.rules import Choice, FellThrough, Resolved
from domain.routing.targets import Profile, ProfileAlias, RoutingTable, Target, TargetAlias
from domain.values import value


class UnknownChoice(Exception):
    """The client asked for a profile or a mode that does not exist; ``choices`` lists what does."""

    def __init__(self, what: str, name: str, choices: Iterable[str]) -> None:
        self.what = what
        self.name = name
        self.choices = tuple(sorted(choices))
        listed = ", ".join(self.choices) or "none are declared"
        super().__init__(f"unknown {what} {name!r}; available: {listed}")


@value(kw_only=True)
class Wishes:
    """
    Who asks, and where it said its request should go.

    Attributes:
        caller: whose key came with the request.
        profile: of the request's body; empty is a wish that cannot be met, ``None`` is no wish.
        profile_header: of ``X-CodeRouter-Profile``.
        mode_header: of ``X-CodeRouter-Mode``.
        model: the model it named.
        session: the conversation it says it belongs to; empty when it does not say.
        priority: ``background`` when the client says that nobody is waiting for it.
    """

    profile: str | None = None
    profile_header: str = ""
    mode_header: str = ""
    model: str = ""
    session: str = ""
    priority: str = ""
    caller: Caller = ANYBODY


@value(kw_only=True)
class Selection:
    """
    The profile chosen.

    Attributes:
        rule: names what chose it.
        pinned: whether the client named a target, so that the profile lends its policies and not its chain.
    """

    profile: Profile
    rule: str
    pinned: bool = False


def asked_for(table: RoutingTable, wishes: Wishes) -> Selection | None:
    """
    The first of these that speaks: body profile, profile header, mode header, model name; ``None`` for none.

    A model that nobody declared is no wish at all: clients name models that exist elsewhere.

    Raises:
        UnknownChoice: an explicit profile or mode does not exist.
    """
    if wishes.profile is not None:
        return Selection(profile=_declared(table, wishes.profile), rule="body-profile")
    if wishes.profile_header:
        return Selection(profile=_declared(table, wishes.profile_header), rule="profile-header")
    if wishes.mode_header:
        return _by_mode(table, wishes.mode_header)
    return _by_model(table, wishes.model) if wishes.model else None


def by_default(table: RoutingTable) -> Selection:
    """Where a request goes that asks for nothing in particular and that no rule is asked about."""
    return Selection(profile=table.profiles[table.default_profile], rule="default-profile")


def routed(table: RoutingTable, choice: Choice) -> Selection:
    """The profile that the rules chose; falling through is told like a rule."""
    return Selection(profile=table.profiles[choice.profile], rule=_rule(choice))


def _rule(choice: Choice) -> str:
    match choice:
        case Resolved(rule_id=rule_id):
            return rule_id
        case FellThrough(disabled=True):
            return "auto-disabled"
        case FellThrough():
            return "auto-fallthrough"


def _declared(table: RoutingTable, name: str) -> Profile:
    if name not in table.profiles:
        raise UnknownChoice("profile", name, table.profiles)
    return table.profiles[name]


def _by_mode(table: RoutingTable, mode: str) -> Selection:
    if mode not in table.mode_aliases:
        raise UnknownChoice("mode", mode, table.mode_aliases)
    return Selection(profile=table.profiles[table.mode_aliases[mode]], rule="mode-header")


def _by_model(table: RoutingTable, model: str) -> Selection | None:
    if model in table.profiles:
        return Selection(profile=table.profiles[model], rule="model-profile")
    match table.models.get(model):
        case ProfileAlias(profile=profile):
            return Selection(profile=table.profiles[profile], rule="model-alias")
        case TargetAlias(target=target):
            return _only(table, target, "model-alias")
        case None:
            pass
    if model in table.providers:
        return _only(table, Target(model, table.providers[model].model), "model-provider")
    return None


def _only(table: RoutingTable, target: Target, rule: str) -> Selection:
    """A chain of one target under the default profile's policies."""
    policies = table.profiles[table.default_profile]
    return Selection(profile=replace(policies, targets=(target,)), rule=rule, pinned=True)
