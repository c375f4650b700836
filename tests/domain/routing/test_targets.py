"""What a profile changes of a provider."""

from domain.routing.gates import Admitted, BarReason, Barred, admit
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target, TimeoutChanges, Timeouts

TARGET = Target("cloud", "sonnet")


def table(*, paid: bool = False, allow_paid: bool = False, profile: Profile | None = None) -> RoutingTable:
    spec = ProviderSpec(
        name="cloud",
        adapter="anthropic",
        model="sonnet",
        paid=paid,
        timeouts=Timeouts(connect_s=3, ttft_s=90, idle_s=60),
        append_system_prompt="Be brief.",
    )
    profiles = {"default": profile or Profile(name="default", targets=(TARGET,))}
    return RoutingTable(
        providers={"cloud": spec}, profiles=profiles, default_profile="default", allow_paid=allow_paid
    )


def test_a_profile_changes_only_the_patience_it_speaks_of() -> None:
    hurried = Profile(name="p", targets=(TARGET,), timeouts=TimeoutChanges(ttft_s=10, total_s=300))

    assert table().timeouts(hurried, TARGET) == Timeouts(connect_s=3, ttft_s=10, idle_s=60, total_s=300)


def test_a_profiles_instructions_replace_the_providers_and_empty_ones_clear_them() -> None:
    def suffix(instructions: str | None) -> str:
        profile = Profile(name="p", targets=(TARGET,), append_system_prompt=instructions)
        return table().system_suffix(profile, TARGET)

    assert [suffix(None), suffix("Be kind."), suffix("")] == ["Be brief.", "Be kind.", ""]


def test_paid_providers_are_barred_unless_allowed() -> None:
    assert admit(table(paid=True), TARGET, without_credential=()) == Barred(TARGET, BarReason.PAID)
    assert admit(table(paid=True, allow_paid=True), TARGET, without_credential=()) == Admitted(TARGET)


def test_a_provider_whose_key_is_missing_is_barred_not_asked_without_it() -> None:
    barred = admit(table(), TARGET, without_credential={"cloud"})

    assert barred == Barred(TARGET, BarReason.MISSING_CREDENTIAL)
