"""The table of failures is whole, and says what users rely on."""

import pytest

from domain.failures import CONSEQUENCES, ChainMove, CooldownRule, FailureKind, HealthEffect, UpstreamFailure


def test_every_kind_of_failure_has_its_consequence() -> None:
    assert set(CONSEQUENCES) == set(FailureKind)


@pytest.mark.parametrize("kind", [FailureKind.REQUEST_FAULT, FailureKind.CLIENT_LEFT, FailureKind.BROKEN_OFF])
def test_the_chain_stops_where_another_target_could_not_help(kind: FailureKind) -> None:
    assert CONSEQUENCES[kind].move is ChainMove.STOP


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.REQUEST_FAULT,
        FailureKind.CONTEXT_OVERFLOW,
        FailureKind.CLIENT_LEFT,
        FailureKind.RATE_LIMITED,
        FailureKind.QUOTA,
        FailureKind.CREDENTIALS,
    ],
)
def test_what_is_not_the_backends_fault_is_not_held_against_its_health(kind: FailureKind) -> None:
    assert CONSEQUENCES[kind].health is HealthEffect.SPARED


def test_a_client_at_fault_cools_nothing_down() -> None:
    assert CONSEQUENCES[FailureKind.REQUEST_FAULT].cooldown is CooldownRule.NONE


def test_a_failure_tells_its_kind_status_and_words() -> None:
    failure = UpstreamFailure(FailureKind.OVERLOADED, "503: loading", status=503)

    assert repr(failure) == "<UpstreamFailure overloaded 503: 503: loading>"
