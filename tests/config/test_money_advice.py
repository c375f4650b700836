"""A budget that cannot do what it seems to be there for is told."""

from typing import Any

import pytest
import yaml

from config.load import load_text
from config.money_advice import key_advice, money_advice
from config.translate import routing_table
from domain.access.keys import Key, Scope
from domain.access.permissions import EVERYTHING, Permissions
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.ledger import BudgetLedger
from domain.budget.money import from_usd
from domain.budget.purse import Exceeded

PRICE = {"input_tokens_per_million": 3, "output_tokens_per_million": 15}
ELECTRICITY = {"input_tokens_per_million": 0.01, "output_tokens_per_million": 0.05}
HARD = {"monthly_usd": 5, "mode": "hard"}
SOFT = {"monthly_usd": 5}


def told(cloud: dict[str, Any], key: Key | None = None, **more: Any) -> list[str]:
    """What is said of a house with a model at home, for its electricity alone, and this one in the cloud."""
    near = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "context_window": 8192}
    home = {"name": "home", **near, "cost": more.pop("electricity", ELECTRICITY)}
    far = {"name": "cloud", "base_url": "https://api.example.com/v1", "model": "big", "paid": True, **cloud}
    profiles = more.pop("profiles", [{"name": "default", "providers": ["home", "cloud"]}])
    written = {"providers": [home, far], "profiles": profiles, **more}
    config = load_text(yaml.safe_dump(written))
    table = routing_table(config)
    return list(money_advice(config, table) if key is None else key_advice(key, config, table))


def with_budget(budget: dict[str, Any], **member: Any) -> dict[str, Any]:
    return {"anna": {"budget": budget, **member}}


def test_nothing_is_said_of_budgets_that_can_be_kept() -> None:
    assert told({}) == []
    assert told({"cost": {**PRICE, "monthly_budget_usd": 25}}, members=with_budget({"monthly_usd": 25})) == []
    assert told({"cost": PRICE, "max_output_tokens": 8192}, members=with_budget(HARD)) == []
    assert told({"cost": PRICE, "context_window": 8192}, members=with_budget(HARD)) == []
    assert told({"cost": {"allow_unpriced": True}}, members=with_budget(HARD)) == []


def test_a_day_that_may_cost_more_than_its_month_bounds_nothing() -> None:
    large = {"monthly_usd": 50, "daily_usd": 100}
    cost = {**PRICE, "monthly_budget_usd": 50, "daily_budget_usd": 100}

    lines = told({"cost": cost}, members=with_budget(large))

    assert [line.partition(" bounds nothing")[0] for line in lines] == [
        "the daily budget of provider cloud",
        "the daily budget of member anna",
    ]


@pytest.mark.parametrize("cloud", [{"paid": False}, {"cost": {"allow_unpriced": True}}])
def test_a_budget_that_nothing_is_booked_to_bounds_nothing(cloud: dict[str, Any]) -> None:
    auth = {"keys": [{"member": "anna", "hash_file": "/nowhere", "budget": SOFT}]}
    profile = {"name": "default", "providers": ["home", "cloud"], "budget": SOFT}
    spent_alone = {"monthly_budget_usd": 5}

    lines = told(cloud, electricity=spent_alone, profiles=[profile], members=with_budget(HARD), auth=auth)

    payers = ("provider home", "profile default", "member anna", "auth.keys[0]")
    says = "bounds nothing: nothing that it could pay for has a price"
    assert lines == [f"the budget of {payer} {says}" for payer in payers]


def test_a_price_of_nothing_is_none() -> None:
    free = {"input_tokens_per_million": 0, "output_tokens_per_million": 0}

    (line,) = told({"paid": False, "cost": free}, electricity=free, members=with_budget(SOFT))

    assert line.startswith("the budget of member anna bounds nothing")


def test_a_budget_is_for_models_with_a_price_of_their_own_as_well() -> None:
    named = {"best": {"provider": "home", "model": "larger", "cost": PRICE}}

    ample = with_budget({"monthly_usd": 25})

    assert told({"paid": False}, electricity=None, members=ample, models=named) == []


@pytest.mark.parametrize(
    "cost",
    [
        {"daily_budget_usd": 0},
        {"daily_budget_usd": 5, "monthly_budget_usd": 0, **PRICE},
        {"monthly_budget_usd": 0, "budget_mode": "hard", **PRICE},
    ],
)
def test_a_provider_that_a_budget_of_nothing_closes_is_told(cost: dict[str, Any]) -> None:
    lines = told({"cost": cost, "max_output_tokens": 8192})

    assert "provider cloud is never asked: its budget is 0" in lines
    assert not any("bounds nothing" in line for line in lines)


def test_whoever_has_a_budget_of_nothing_is_told() -> None:
    nothing = {"daily_usd": 0}
    auth = {"keys": [{"member": "anna", "hash_file": "/nowhere", "budget": nothing}]}
    profile = {"name": "default", "providers": ["home", "cloud"], "budget": nothing}

    lines = told({"cost": PRICE}, profiles=[profile], members=with_budget(nothing), auth=auth)

    payers = ("profile default", "member anna", "auth.keys[0]")
    assert lines == [f"{payer} may use nothing that costs money: its budget is 0" for payer in payers]


def test_of_a_budget_that_shuts_a_provider_out_nothing_more_is_said() -> None:
    (line,) = told({}, electricity=None, members=with_budget(SOFT))

    assert line.startswith("cloud is never asked where a budget applies")


@pytest.mark.parametrize(
    ("rate", "free", "missing"),
    [
        ("input_tokens_per_million", "what it writes", "output_tokens_per_million"),
        ("output_tokens_per_million", "what it reads", "input_tokens_per_million"),
    ],
)
def test_half_a_price_is_told_of_providers_and_of_named_models(rate: str, free: str, missing: str) -> None:
    named = {"best": {"provider": "home", "model": "larger", "cost": {rate: 3}}}

    lines = told({"cost": {rate: 3}}, models=named)

    assert lines == [
        f"{who} counts {free} as free: cost has no {missing} (0 says so if it is)"
        for who in ("cloud", "models.best")
    ]


def test_the_price_of_one_token_in_the_place_of_a_million_is_told() -> None:
    cost = {"input_tokens_per_million": 0.0000025, "output_tokens_per_million": 10}
    named = {"best": {"provider": "home", "model": "larger", "cost": {**PRICE, **cost}}}

    lines = told({"cost": cost}, models=named)

    assert lines == [
        f"{who} charges next to nothing: input_tokens_per_million is 0.0000025 USD for a million tokens; if"
        " that is the price of one, write 2.5"
        for who in ("cloud", "models.best")
    ]


@pytest.mark.parametrize("model", [{}, {"model": "big"}])
def test_a_price_of_a_name_for_a_providers_own_model_is_told_not_to_count(
    model: dict[str, str],
) -> None:
    named = {"best": {"provider": "cloud", "cost": PRICE, **model}}

    (line,) = told({}, models=named)

    assert line.startswith("models.best.cost is not counted: this is the own model of cloud")


@pytest.mark.parametrize("cost", [{"input_tokens_per_million": 3, "output_tokens_per_million": 0}, {}])
def test_a_price_that_says_what_is_free_is_whole(cost: dict[str, Any]) -> None:
    assert told({"cost": cost}) == []
    assert told({"cost": {"input_tokens_per_million": 0}}) == []


@pytest.mark.parametrize("place", [{}, {"base_url": "http://10.0.0.7:4000/v1", "locality": "cloud"}])
def test_a_cloud_with_a_price_that_is_not_said_to_be_paid_is_told(place: dict[str, Any]) -> None:
    (line,) = told({"cost": PRICE, "paid": False, **place})

    assert line.startswith("cloud has a price but is not paid: true")
    assert told({"cost": PRICE, **place}) == []


def test_so_is_one_of_whose_models_one_has_a_price() -> None:
    named = {"best": {"provider": "cloud", "model": "larger", "cost": PRICE}}

    (line,) = told({"paid": False}, models=named)

    assert line.startswith("cloud has a price but is not paid: true")


@pytest.mark.parametrize(
    "free", [{}, {"input_tokens_per_million": 0, "output_tokens_per_million": 0}, {"monthly_budget_usd": 1}]
)
def test_a_cloud_without_a_price_need_not_be_said_to_be_paid(free: dict[str, Any]) -> None:
    assert not any("not paid: true" in line for line in told({"paid": False, "cost": free}))


def test_the_price_of_electricity_need_not_be_said_to_be_paid() -> None:
    assert told({"base_url": "http://192.168.1.9/v1", "paid": False, "cost": PRICE}) == []


def test_a_new_key_is_not_told_of_half_a_price() -> None:
    key = Key(id="ab12", member="anna", digest="", scopes=frozenset(), budget=Budget(monthly=from_usd(5.0)))

    assert told({"cost": {"input_tokens_per_million": 3}}, key) == []


def test_a_paid_provider_without_a_price_is_never_asked_where_there_is_a_budget() -> None:
    profile = {"name": "default", "providers": ["home", "cloud"], "budget": SOFT}
    away = {"name": "away", "providers": ["home"], "budget": SOFT}

    (line,) = told({"cost": {"monthly_budget_usd": 5}}, members=with_budget(SOFT), profiles=[profile, away])

    assert line.startswith("cloud is never asked where a budget applies")
    assert line.endswith("budgets: provider cloud, profile default, member anna")


def test_an_answer_that_nothing_limits_is_told_with_what_each_kind_of_budget_does_then() -> None:
    hard, soft = told({"cost": PRICE}, members={**with_budget(HARD), "ben": {"budget": SOFT}})

    assert "is not asked under a hard budget" in hard
    assert "set its max_output_tokens" in hard
    assert hard.endswith("budgets: member anna")
    assert soft == (
        "cloud has 5.89824 USD set aside for an answer without a limit (max_tokens), which a crash charges in"
        " full, so that a soft budget has room for few of them at once; set max_output_tokens; budgets:"
        " member ben (1 at once)"
    )


def test_a_field_for_every_request_that_may_cost_anything_is_told_under_hard_budgets() -> None:
    bound = {"max_output_tokens": 100, "extra_body": {"web_search_options": {}, "top_k": 3}}

    (line,) = told({"cost": PRICE, **bound}, members={**with_budget(HARD), "ben": {"budget": SOFT}})

    assert line.startswith("cloud is never asked under a hard budget")
    assert "extra_body (web_search_options)" in line
    assert line.endswith("budgets: member anna")
    assert "extra_body" not in " ".join(told(bound, members=with_budget(HARD)))


def test_a_soft_budget_into_which_few_of_the_longest_answers_fit_is_told() -> None:
    members = {
        "anna": {"budget": {"monthly_usd": 3.9}},
        "ben": {"budget": {"monthly_usd": 4.0}},
        "cam": {"budget": {"monthly_usd": 4.0, "daily_usd": 0.5}},
        "dan": {"budget": {"monthly_usd": 0}},
    }
    far = {"cost": {"input_tokens_per_million": 1, "output_tokens_per_million": 100}}

    for key, remedy in (
        ("max_output_tokens", "set a smaller max_output_tokens"),
        ("context_window", "set max_"),
    ):
        (line,) = (line for line in told({**far, key: 10_000}, members=members) if line.startswith("cloud"))
        assert "has 1.0 USD set aside" in line
        assert f"; {remedy}" in line
        assert line.endswith("budgets: member anna (4 at once), member cam (1 at once)")


@pytest.mark.parametrize("cap", [0.5, 1.0, 1.1, 2.5, 3.9])
def test_as_many_at_once_are_told_as_a_soft_budget_lets_in(cap: float) -> None:
    anna = Account(AccountKind.MEMBER, "anna")
    ledger = BudgetLedger({anna: Budget(monthly=from_usd(cap))})
    let_in = 0
    while not isinstance(ledger.reserve_unlent((anna,), from_usd(1.0), now=0.0), Exceeded):
        let_in += 1
    far = {
        "cost": {"input_tokens_per_million": 1, "output_tokens_per_million": 100},
        "max_output_tokens": 10_000,
    }

    lines = told(far, members=with_budget({"monthly_usd": cap}))

    assert any(line.endswith(f"member anna ({let_in} at once)") for line in lines)


def test_where_the_longest_answer_of_a_model_is_known_that_much_is_set_aside() -> None:
    members = with_budget({"monthly_usd": 0.9})

    (line,) = told({"cost": PRICE, "model": "gpt-4o"}, members=members)

    assert "has 0.24576 USD set aside" in line
    assert told({"cost": PRICE, "model": "gpt-4o"}, members=with_budget(SOFT)) == []


def test_the_dearest_answer_of_any_model_of_a_provider_counts() -> None:
    dear = {"input_tokens_per_million": 10, "output_tokens_per_million": 50}
    named = {
        "dear": {"provider": "cloud", "model": "gpt-4.1", "cost": dear},
        "cheap": {"provider": "cloud", "model": "gpt-4.1-nano", "cost": ELECTRICITY},
        "free": {"provider": "cloud", "model": "larger"},
    }

    lines = told({"cost": PRICE, "context_window": 8192}, members=with_budget(SOFT), models=named)

    (line,) = (line for line in lines if "set aside" in line)
    assert "cloud has 1.6384 USD set aside" in line
    assert line.endswith("budgets: member anna (4 at once)")


def test_the_window_of_a_providers_own_model_is_not_that_of_its_others() -> None:
    named = {"best": {"provider": "cloud", "model": "larger", "cost": PRICE}}

    lines = told({"cost": PRICE, "context_window": 8192}, members=with_budget(SOFT), models=named)

    assert any("cloud has 5.89824 USD set aside" in line for line in lines)


def test_a_budget_smaller_than_one_answer_without_a_limit_is_told_under_hard_budgets_only() -> None:
    day, month = ({key: 0.1, "mode": "hard"} for key in ("daily_usd", "monthly_usd"))
    members = {
        "anna": {"budget": day},
        "ben": {"budget": {**day, "mode": "soft"}},
        "cam": {"budget": HARD},
        "dan": {"budget": {**day, "daily_usd": 0.12}},
        "eve": {"budget": {**month, "daily_usd": 5}},
    }

    lines = told({"cost": PRICE, "max_output_tokens": 8000}, members=members)

    (line,) = (line for line in lines if "hard budget" in line)
    assert "could cost 0.12 USD" in line
    assert "set a smaller max_output_tokens" in line
    assert line.endswith("budgets: member anna, member eve")


def test_a_window_bounds_what_an_answer_without_a_limit_may_cost() -> None:
    tight = {"daily_usd": 0.1, "mode": "hard"}

    (line,) = told({"cost": PRICE, "context_window": 8000}, members=with_budget(tight))

    assert "could cost 0.12 USD, more than there is; set max_output_tokens" in line
    assert told({"cost": PRICE, "context_window": 6000}, members=with_budget(tight)) == []
    window_first = {"context_window": 6000, "max_output_tokens": 8000}
    assert told({"cost": PRICE, **window_first}, members=with_budget(tight)) == []


def test_of_a_hard_budget_of_nothing_no_more_is_told_than_that_it_closes() -> None:
    closed = {"daily_usd": 0, "mode": "hard"}

    (line,) = told({"cost": PRICE, "max_output_tokens": 8000}, members=with_budget(closed))

    assert line == "member anna may use nothing that costs money: its budget is 0"


def test_who_may_not_ask_a_provider_does_not_have_to_pay_for_it() -> None:
    for kept_out in ({"paid": False}, {"lan_only": True}, {"providers": ["home"]}, {"profiles": ["near"]}):
        near = [
            {"name": "default", "providers": ["home", "cloud"]},
            {"name": "near", "providers": ["home"]},
        ]
        assert told({"cost": PRICE}, members=with_budget(HARD, **kept_out), profiles=near) == []


def test_a_key_is_judged_by_what_it_may_do_within_what_its_member_may() -> None:
    budget = Budget(monthly=from_usd(5.0), daily=from_usd(9.0), mode=BudgetMode.HARD)

    def key(narrowing: Permissions = EVERYTHING, budget: Budget | None = budget) -> Key:
        scopes = frozenset({Scope.INFERENCE})
        return Key(id="ab12", member="anna", digest="", scopes=scopes, narrowing=narrowing, budget=budget)

    daily, unbounded = told({"cost": PRICE}, key())

    assert daily.startswith("the daily budget of key ab12 bounds nothing")
    assert unbounded.endswith("budgets: key ab12")
    assert len(told({"cost": PRICE}, key(Permissions(paid=False)))) == 1
    assert len(told({"cost": PRICE}, key(), members={"anna": {"paid": False}})) == 1
    assert told({"cost": PRICE}, key(budget=None)) == []


def test_keys_of_the_file_are_judged_likewise() -> None:
    auth = {"keys": [{"member": "anna", "hash_file": "/nowhere", "budget": HARD}]}

    (line,) = told({"cost": PRICE}, members={"anna": {}}, auth=auth)

    assert line.endswith("budgets: auth.keys[0]")
    assert told({"cost": PRICE}, members={"anna": {"paid": False}}, auth=auth) == []
