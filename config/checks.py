"""
Checks that need to see more than one value.

They read the data as it was written, so that they have their say even where another value is misshapen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from config.findings import Finding, as_list, as_mapping
from config.problems import KeyPath, dotted, suggestion
from config.schema.auto_router import AutoRouter, Matcher
from config.schema.kinds import DEFAULT_KIND, KINDS
from config.schema.profile import Profile
from config.schema.root import AUTO, Config
from config.schema.section import Section

BUNDLED_RULE_PROFILES = ("multi", "coding", "writing")
"""The profiles that the built-in rules and their fall-through name."""


def check(data: object) -> Iterator[Finding]:
    """All that is wrong between the values of a file."""
    top = as_mapping(data)
    for one_check in _CHECKS:
        yield from one_check(top)


def _duplicates(top: Mapping[str, object]) -> Iterator[Finding]:
    for section in ("providers", "profiles"):
        first: dict[str, KeyPath] = {}
        for path, name in _names_in(top, section):
            if name in first:
                yield Finding(
                    path, f'duplicate name "{name}"', f"it is already the name of {dotted(first[name][:-1])}"
                )
            first.setdefault(name, path)


def _duplicate_rules(top: Mapping[str, object]) -> Iterator[Finding]:
    """A rule's id is what events and answers name, and what a session remembers."""
    first: dict[object, int] = {}
    for index, rule in enumerate(as_list(as_mapping(top.get("auto_router")).get("rules"))):
        name = as_mapping(rule).get("id")
        if isinstance(name, str) and name in first:
            place: KeyPath = ("auto_router", "rules", first[name])
            hint = f"it is already the id of {dotted(place)}"
            yield Finding(("auto_router", "rules", index, "id"), f'duplicate id "{name}"', hint)
        elif isinstance(name, str):
            first[name] = index


def _reserved_name(top: Mapping[str, object]) -> Iterator[Finding]:
    for path, name in _names_in(top, "profiles"):
        if name == AUTO:
            yield Finding(path, f'"{AUTO}" is reserved for the auto-router', "give the profile another name")


def _chains(top: Mapping[str, object]) -> Iterator[Finding]:
    for index, profile in enumerate(as_list(top.get("profiles"))):
        for position, name in enumerate(as_list(as_mapping(profile).get("providers"))):
            yield from _known(name, ("profiles", index, "providers", position), _providers(top), "provider")


def _profile_references(top: Mapping[str, object]) -> Iterator[Finding]:
    if top.get("default_profile") != AUTO:
        yield from _known_or_default(top, Config, ("default_profile",), _profiles(top))
    for alias, target in as_mapping(top.get("mode_aliases")).items():
        yield from _known(target, ("mode_aliases", alias), _profiles(top), "profile")


def _rule_targets(top: Mapping[str, object]) -> Iterator[Finding]:
    router = top.get("auto_router")
    if router is None:
        yield from _bundled_rules(top)
        return
    for index, rule in enumerate(as_list(as_mapping(router).get("rules"))):
        path = ("auto_router", "rules", index)
        yield from _known(as_mapping(rule).get("profile"), (*path, "profile"), _profiles(top), "profile")
        yield from _arity(as_mapping(rule).get("match"), (*path, "match"))
    yield from _known_or_default(
        as_mapping(router), AutoRouter, ("auto_router", "default_rule_profile"), _profiles(top)
    )


def _bundled_rules(top: Mapping[str, object]) -> Iterator[Finding]:
    if top.get("default_profile") != AUTO:
        return
    missing = [name for name in BUNDLED_RULE_PROFILES if name not in _profiles(top)]
    if missing:
        yield Finding(
            ("default_profile",),
            f"auto without an auto_router section needs the profiles {', '.join(BUNDLED_RULE_PROFILES)};"
            f" missing: {', '.join(missing)}",
            "declare them, or write an auto_router section with rules of your own",
        )


def _arity(match: object, path: KeyPath) -> Iterator[Finding]:
    if not isinstance(match, dict):
        return
    used = [key for key in Matcher.model_fields if match.get(key) is not None]
    if len(used) != 1:
        found = f"found {', '.join(used)}" if used else "found none"
        yield Finding(
            path, f"a rule matches on exactly one thing; {found}", f"one of {', '.join(Matcher.model_fields)}"
        )


def _loop_guards(top: Mapping[str, object]) -> Iterator[Finding]:
    for index, profile in enumerate(as_list(top.get("profiles"))):
        section = as_mapping(profile)
        window, threshold = (
            _whole(section.get(key, Profile.model_fields[key].default))
            for key in ("tool_loop_window", "tool_loop_threshold")
        )
        if window is not None and threshold is not None and threshold > window:
            key = "tool_loop_threshold" if "tool_loop_threshold" in section else "tool_loop_window"
            yield Finding(
                ("profiles", index, key),
                f"a threshold of {threshold} can never be reached in a window of {window}",
                "tool_loop_threshold must be at most tool_loop_window",
            )


def _whole(written: object) -> int | None:
    """The number that a field would read; ``None`` for what is misshapen, which is told already."""
    try:
        return None if isinstance(written, bool) else _WHOLE.validate_python(written)
    except ValidationError:
        return None


_WHOLE = TypeAdapter(int)


def _provider_needs(top: Mapping[str, object]) -> Iterator[Finding]:
    for index, entry in enumerate(as_list(top.get("providers"))):
        provider, path = as_mapping(entry), ("providers", index)
        kind = KINDS.get(str(provider.get("kind", DEFAULT_KIND)))
        if provider.get("adapter") is not None:
            yield from _adapter_alone(provider, path)
        elif kind is not None and isinstance(entry, dict):
            yield from _kind_needs(provider, path)
        if provider.get("wake_on_lan") is not None and provider.get("base_url") is None:
            hint = "set base_url: it tells where its server will answer"
            yield Finding((*path, "wake_on_lan"), "nobody knows when its machine is awake", hint)
        if provider.get("api_key_env") and provider.get("api_key_file"):
            yield Finding((*path, "api_key_file"), "there is an api_key_env already", "keep one of the two")


def _quotas(top: Mapping[str, object]) -> Iterator[Finding]:
    for index, provider in enumerate(as_list(top.get("providers"))):
        first: dict[tuple[str, str], int] = {}
        for line, quota in enumerate(as_list(as_mapping(provider).get("quota"))):
            path: KeyPath = ("providers", index, "quota", line)
            used = [unit for unit in ("requests", "tokens") if as_mapping(quota).get(unit) is not None]
            if isinstance(quota, dict) and len(used) != 1:
                found = "found both" if used else "found neither"
                yield Finding(
                    path, f"a line of a plan counts requests or tokens; {found}", "write a line for each"
                )
            elif isinstance(per := as_mapping(quota).get("per"), str):
                yield from _counted_twice(path, (used[0], per), first.setdefault((used[0], per), line))


def _counted_twice(path: KeyPath, counted: tuple[str, str], first: int) -> Iterator[Finding]:
    """What is used is kept under what a line counts, so two lines would both add to one sum."""
    if path[-1] != first:
        unit, per = counted
        there = dotted((*path[:-1], first))
        yield Finding(path, f"{there} counts {unit} a {per} already", "keep one of the two")


def _budgets(top: Mapping[str, object]) -> Iterator[Finding]:
    """One without an amount looks like a bound and is none."""
    for path, budget in _budget_sections(top):
        if isinstance(budget, dict) and not _has_any(budget, ("monthly_usd", "daily_usd")):
            yield Finding(path, _NO_AMOUNT, "set monthly_usd or daily_usd")
    for index, provider in enumerate(as_list(top.get("providers"))):
        cost = as_mapping(as_mapping(provider).get("cost"))
        if "budget_mode" in cost and not _has_any(cost, ("monthly_budget_usd", "daily_budget_usd")):
            place: KeyPath = ("providers", index, "cost", "budget_mode")
            yield Finding(place, _NO_AMOUNT, "set monthly_budget_usd or daily_budget_usd beside it")


_NO_AMOUNT = "a budget needs an amount"


def _budget_sections(top: Mapping[str, object]) -> Iterator[tuple[KeyPath, object]]:
    for name, member in as_mapping(top.get("members")).items():
        yield ("members", name, "budget"), as_mapping(member).get("budget")
    for index, profile in enumerate(as_list(top.get("profiles"))):
        yield ("profiles", index, "budget"), as_mapping(profile).get("budget")
    for index, key in enumerate(as_list(as_mapping(top.get("auth")).get("keys"))):
        yield ("auth", "keys", index, "budget"), as_mapping(key).get("budget")


def _has_any(section: Mapping[str, object], keys: Sequence[str]) -> bool:
    return any(section.get(key) is not None for key in keys)


def _adapter_alone(provider: Mapping[str, object], path: KeyPath) -> Iterator[Finding]:
    if "kind" in provider:
        yield Finding((*path, "adapter"), "adapter and kind exclude each other", "keep one of the two")
    elif (name := str(provider.get("adapter"))) in KINDS:
        yield Finding((*path, "adapter"), f"{name} is built in", f"say kind: {name}")


def _kind_needs(provider: Mapping[str, object], path: KeyPath) -> Iterator[Finding]:
    name = str(provider.get("kind", DEFAULT_KIND))
    kind = KINDS[name]
    needs = {"base_url": kind.needs_base_url, "model": kind.needs_model}
    for key, needed in needs.items():
        if needed and provider.get(key) is None:
            yield Finding((*path, key), f"is required for a provider of kind {name}")
    if "options" in provider and not kind.takes_options:
        yield Finding(
            (*path, "options"), f"kind {name} takes no options", "options belong to an adapter of your own"
        )


def _model_aliases(top: Mapping[str, object]) -> Iterator[Finding]:
    for name, target in as_mapping(top.get("models")).items():
        path: KeyPath = ("models", name)
        for what, names in (("profile", _profiles(top)), ("provider", _providers(top))):
            if name in names:
                yield Finding(
                    path, f'there is a {what} called "{name}" already', "a client could mean either"
                )
        if isinstance(target, str):
            known = (*_profiles(top), *_providers(top))
            yield from _known(target, path, known, "profile or provider")
        else:
            provider = as_mapping(target).get("provider")
            yield from _known(provider, (*path, "provider"), _providers(top), "provider")


def _access(top: Mapping[str, object]) -> Iterator[Finding]:
    members = as_mapping(top.get("members"))
    for name, member in members.items():
        yield from _allowed(member, ("members", name), top)
    for index, key in enumerate(as_list(as_mapping(top.get("auth")).get("keys"))):
        path: KeyPath = ("auth", "keys", index)
        yield from _allowed(key, path, top)
        owner = as_mapping(key).get("member")
        if isinstance(owner, str) and owner not in members:
            hint = suggestion(owner, tuple(members)) if members else "declare it under members:"
            yield Finding((*path, "member"), f'no member is called "{owner[:60]}"', hint)


def _allowed(access: object, path: KeyPath, top: Mapping[str, object]) -> Iterator[Finding]:
    for key, known, what in (
        ("profiles", _profiles(top), "profile"),
        ("providers", _providers(top), "provider"),
    ):
        for position, name in enumerate(as_list(as_mapping(access).get(key))):
            yield from _known(name, (*path, key, position), known, what)


def _known_or_default(
    written: Mapping[str, object], section: type[Section], path: KeyPath, profiles: Sequence[str]
) -> Iterator[Finding]:
    key = str(path[-1])
    if key in written:
        yield from _known(written[key], path, profiles, "profile")
        return
    default = section.model_fields[key].default
    for finding in _known(default, path, profiles, "profile"):
        yield Finding(
            path, f"is not set, and {finding.message}, its default", f"name one: {', '.join(profiles[:20])}"
        )


def _known(name: object, path: KeyPath, known: Sequence[str], what: str) -> Iterator[Finding]:
    """Where nothing is known the section itself is at fault, and that is told already."""
    if isinstance(name, str) and known and name not in known:
        yield Finding(path, f'no {what} is called "{name[:60]}"', suggestion(name, known))


def _names_in(top: Mapping[str, object], section: str) -> Iterator[tuple[KeyPath, str]]:
    for index, entry in enumerate(as_list(top.get(section))):
        name = as_mapping(entry).get("name")
        if isinstance(name, str):
            yield (section, index, "name"), name


def _providers(top: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for _, name in _names_in(top, "providers"))


def _profiles(top: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for _, name in _names_in(top, "profiles"))


_CHECKS: tuple[Callable[[Mapping[str, object]], Iterator[Finding]], ...] = (
    _duplicates,
    _duplicate_rules,
    _reserved_name,
    _chains,
    _profile_references,
    _rule_targets,
    _loop_guards,
    _provider_needs,
    _model_aliases,
    _access,
    _quotas,
    _budgets,
)
