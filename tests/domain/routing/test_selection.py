"""Which profile a request goes to."""

import pytest

from domain.routing.rules import FellThrough, Resolved
from domain.routing.selection import Selection, UnknownChoice, Wishes, asked_for, by_default, routed
from domain.routing.targets import Profile, ProfileAlias, ProviderSpec, RoutingTable, Target, TargetAlias


def table() -> RoutingTable:
    names = ("coding", "default", "writing")
    return RoutingTable(
        providers={"local": ProviderSpec(name="local", adapter="openai_compat", model="qwen3")},
        profiles={name: Profile(name=name, targets=(Target("local", "qwen3"),)) for name in names},
        default_profile="default",
        mode_aliases={"think": "coding"},
        models={
            "gpt-4o": ProfileAlias(profile="writing"),
            "big": TargetAlias(target=Target("local", "qwen3:32b")),
        },
    )


def select(wishes: Wishes) -> Selection:
    return asked_for(table(), wishes) or by_default(table())


@pytest.mark.parametrize(
    ("wishes", "profile", "rule"),
    [
        (Wishes(), "default", "default-profile"),
        (Wishes(profile="coding", profile_header="writing"), "coding", "body-profile"),
        (Wishes(profile_header="writing", mode_header="think"), "writing", "profile-header"),
        (Wishes(mode_header="think", model="writing"), "coding", "mode-header"),
        (Wishes(model="writing"), "writing", "model-profile"),
        (Wishes(model="gpt-4o"), "writing", "model-alias"),
        (Wishes(model="claude-opus-5-5"), "default", "default-profile"),
        (Wishes(profile="coding", mode_header="unheard-of"), "coding", "body-profile"),
    ],
)
def test_the_first_wish_that_speaks_decides(wishes: Wishes, profile: str, rule: str) -> None:
    selection = select(wishes)

    assert selection.profile.name == profile
    assert selection.rule == rule


@pytest.mark.parametrize(
    ("model", "target"), [("local", Target("local", "qwen3")), ("big", Target("local", "qwen3:32b"))]
)
def test_a_provider_or_target_alias_is_a_chain_of_one_under_the_default_policies(
    model: str, target: Target
) -> None:
    selection = select(Wishes(model=model))

    assert selection.profile.targets == (target,)
    assert selection.profile.name == "default"


@pytest.mark.parametrize(
    ("wishes", "choices"),
    [
        (Wishes(profile="nope"), "coding, default, writing"),
        (Wishes(profile=""), "coding, default, writing"),
        (Wishes(profile_header="nope"), "coding, default, writing"),
        (Wishes(mode_header="nope"), "think"),
        (Wishes(mode_header="coding"), "think"),
    ],
)
def test_an_unknown_profile_or_mode_is_refused_with_the_choices(wishes: Wishes, choices: str) -> None:
    with pytest.raises(UnknownChoice, match=choices):
        select(wishes)


def test_a_rule_is_named_and_falling_through_the_rules_is_told_like_one() -> None:
    chosen = routed(table(), Resolved(rule_id="images", profile="writing"))
    fallen = routed(table(), FellThrough(profile="coding"))
    unasked = routed(table(), FellThrough(profile="coding", disabled=True))

    assert (chosen.profile.name, chosen.rule) == ("writing", "images")
    assert (fallen.profile.name, fallen.rule) == ("coding", "auto-fallthrough")
    assert (unasked.profile.name, unasked.rule) == ("coding", "auto-disabled")
