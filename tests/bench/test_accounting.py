"""Keeping to budgets, and to what a provider bears, costs little beside reading a request."""

from bench.accounting import accounting

JSON_DECODES = 0.6
"""What it may cost, in the time that decoding the JSON of a 100 KB request takes; 0.12 was seen."""


def test_money_and_a_place_cost_a_request_little_more_than_reading_a_large_one() -> None:
    measured = accounting()
    print(measured)  # noqa: T201  pytest -rP shows it

    assert measured.least_us < measured.yardstick_us * JSON_DECODES
