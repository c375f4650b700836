"""What a profile changes of a provider."""

from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target, TimeoutChanges, Timeouts

TARGET = Target("cloud", "sonnet")


def table() -> RoutingTable:
    spec = ProviderSpec(
        name="cloud",
        adapter="anthropic",
        model="sonnet",
        timeouts=Timeouts(connect_s=3, ttft_s=90, idle_s=60),
        append_system_prompt="Be brief.",
    )
    profiles = {"default": Profile(name="default", targets=(TARGET,))}
    return RoutingTable(providers={"cloud": spec}, profiles=profiles, default_profile="default")


def test_a_profile_changes_only_the_patience_it_speaks_of() -> None:
    hurried = Profile(name="p", targets=(TARGET,), timeouts=TimeoutChanges(ttft_s=10, total_s=300))

    assert table().timeouts(hurried, TARGET) == Timeouts(connect_s=3, ttft_s=10, idle_s=60, total_s=300)


def test_a_profiles_instructions_replace_the_providers_and_empty_ones_clear_them() -> None:
    def suffix(instructions: str | None) -> str:
        profile = Profile(name="p", targets=(TARGET,), append_system_prompt=instructions)
        return table().system_suffix(profile, TARGET)

    assert [suffix(None), suffix("Be kind."), suffix("")] == ["Be brief.", "Be kind.", ""]
