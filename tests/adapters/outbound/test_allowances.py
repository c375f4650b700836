"""An answer that says that nothing is left of a plan is understood, whoever's it is, and nonsense is not."""

from collections.abc import Mapping

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.outbound.allowances import Spent, spent_in
from adapters.outbound.listening_transport import ListeningTransport
from domain.failures import QuotaScope
from tests.fakes.fixed_clock import FixedClock

NOW = 1_800_000_000.0
GROQ = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "24h0m0s",
    "x-ratelimit-limit-tokens": "6000",
    "x-ratelimit-remaining-tokens": "5990",
    "x-ratelimit-reset-tokens": "100ms",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:01Z",
    "anthropic-ratelimit-input-tokens-limit": "40000",
    "anthropic-ratelimit-input-tokens-remaining": "0",
    "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:01:00Z",
}
OPENROUTER = {
    "x-ratelimit-limit": "50",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": f"{(NOW + 7200) * 1000:.0f}",
}
CEREBRAS = {
    "x-ratelimit-remaining-requests-day": "0",
    "x-ratelimit-reset-requests-day": "33011.38",
    "x-ratelimit-remaining-tokens-minute": "0",
    "x-ratelimit-reset-tokens-minute": "11.38",
}


@pytest.mark.parametrize(
    ("headers", "spent"),
    [
        (GROQ, Spent(6.0, None)),  # a bucket: one of a day's 14,400 requests is there every six seconds
        (ANTHROPIC, Spent(6.0, None)),
        (OPENROUTER, Spent(7200.0, None)),
        (CEREBRAS, Spent(33011.38, QuotaScope.DAY)),
        ({**GROQ, "x-ratelimit-limit-requests": "many"}, Spent(8640.0, None)),
        ({**GROQ, "x-ratelimit-limit-requests": "0.001"}, Spent(86_400.0, None)),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, Spent(30.0, None)),
        (
            {"x-ratelimit-remaining-minute": "0", "x-ratelimit-reset-minute": "30"},
            Spent(30.0, QuotaScope.MINUTE),
        ),
    ],
    ids=[
        "groq",
        "anthropic",
        "openrouter",
        "cerebras",
        "without a limit",
        "less than one",
        "IETF draft",
        "a span alone",
    ],
)
def test_what_is_spent_is_known_for_as_long_as_it_is(headers: Mapping[str, str], spent: Spent) -> None:
    found = spent_in(headers, NOW)

    assert found is not None
    assert found.wait_s == pytest.approx(spent.wait_s)
    assert found.scope is spent.scope


@pytest.mark.parametrize(
    "changes",
    [
        {"x-ratelimit-remaining": "1"},
        {"x-ratelimit-remaining": ""},
        {"x-ratelimit-remaining": "none"},
        {"x-ratelimit-remaining": "NaN"},
        {"x-ratelimit-remaining": "0, 0"},
        {"x-ratelimit-reset": "0"},
        {"x-ratelimit-reset": "soon"},
        {"x-ratelimit-reset": "inf"},
        {"x-ratelimit-reset": "-5"},
        {"x-ratelimit-reset": f"{NOW - 1:.0f}"},
    ],
    ids=str,
)
def test_what_says_nothing_is_nothing(changes: Mapping[str, str]) -> None:
    assert spent_in({**OPENROUTER, **changes}, NOW) is None


NAMES = st.sampled_from([*GROQ, *ANTHROPIC, *OPENROUTER, *CEREBRAS, "x-ratelimit-limit-", "ratelimit-limit"])
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["0", "-0", "1e999", "9" * 400, "6m0s", "1ms", "9999999999999d", "0.0", "٠"]),
)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_header_makes_it_stumble_or_wait_for_more_than_a_month(headers: dict[str, str]) -> None:
    spent = spent_in(headers, NOW)

    assert spent is None or 0 < spent.wait_s <= 31 * 86_400


@pytest.mark.parametrize(("status", "times"), [(200, 1), (429, 0)])
async def test_answers_are_listened_to_and_refusals_left_to_whoever_asked(status: int, times: int) -> None:
    heard: list[Spent] = []
    inner = httpx.MockTransport(lambda _: httpx.Response(status, headers=OPENROUTER))
    transport = ListeningTransport(inner, heard.append, FixedClock(time_s=NOW))

    answer = await transport.handle_async_request(httpx.Request("GET", "http://a/"))

    assert answer.status_code == status
    assert heard == [Spent(7200.0, None)] * times
