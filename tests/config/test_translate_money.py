"""What the file says of money becomes prices, budgets and limits."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from config.load import load_text
from config.problems import ConfigError
from config.schema.root import Config
from config.translate import routing_table
from config.translate_money import budgets_of
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.money import from_usd
from domain.budget.pricing import price
from domain.routing.targets import ProviderSpec, Target


def config(provider: dict[str, Any], **more: Any) -> Config:
    first = {"name": "cloud", "base_url": "http://127.0.0.1:9/v1", "model": "m", **provider}
    profile = {"name": "default", "providers": ["cloud"], **more.pop("profile", {})}
    return load_text(yaml.safe_dump({"providers": [first], "profiles": [profile], **more}))


def spec(**provider: Any) -> ProviderSpec:
    return routing_table(config(provider)).providers["cloud"]


def test_a_price_is_what_the_file_says_it_is() -> None:
    cost = {"input_tokens_per_million": 0.15, "output_tokens_per_million": 0.6, "cache_read_discount": 0.5}

    assert spec(cost=cost).price == price(input_usd=0.15, output_usd=0.6, cache_read_discount=0.5)
    assert spec(cost={"monthly_budget_usd": 5}).price is None
    assert spec().price is None


def test_a_name_for_another_model_needs_a_price_of_its_own() -> None:
    cost = {"input_tokens_per_million": 1}
    models = {
        "same": {"provider": "cloud"},
        "big": {"provider": "cloud", "model": "big", "cost": {"input_tokens_per_million": 9}},
        "odd": {"provider": "cloud", "model": "odd"},
    }

    table = routing_table(config({"cost": cost}, models=models))

    assert table.price(Target("cloud", "m")) == price(input_usd=1)
    assert table.price(Target("cloud", "big")) == price(input_usd=9)
    assert table.price(Target("cloud", "odd")) is None


def test_a_budget_belongs_to_a_provider_and_not_to_a_name_for_its_model() -> None:
    models = {"big": {"provider": "cloud", "model": "big", "cost": {"monthly_budget_usd": 9}}}

    with pytest.raises(ConfigError, match=r"models\.big\.cost\.monthly_budget_usd"):
        config({}, models=models)


def test_budgets_are_those_of_providers_profiles_and_members() -> None:
    loaded = config(
        {"cost": {"monthly_budget_usd": 5, "daily_budget_usd": 0.5, "budget_mode": "hard"}},
        profile={"budget": {"monthly_usd": 10}},
        members={
            "anna": {"budget": {"daily_usd": 1, "mode": "hard", "zone": "Europe/Berlin"}},
            "ben": {},
        },
    )

    assert budgets_of(loaded) == {
        Account(AccountKind.PROVIDER, "cloud"): Budget(
            monthly=from_usd(5), daily=from_usd(0.5), mode=BudgetMode.HARD
        ),
        Account(AccountKind.PROFILE, "default"): Budget(monthly=from_usd(10), zone=UTC),
        Account(AccountKind.MEMBER, "anna"): Budget(
            daily=from_usd(1), mode=BudgetMode.HARD, zone=ZoneInfo("Europe/Berlin")
        ),
    }


@pytest.mark.parametrize(
    ("provider", "limit"),
    [
        ({}, None),
        ({"max_output_tokens": 700}, 700),
        ({"extra_body": {"max_tokens": 300}}, 300),
        ({"max_output_tokens": 700, "extra_body": {"max_completion_tokens": 300}}, 700),
        ({"extra_body": {"max_tokens": 300, "max_output_tokens": 400}}, 400),
        ({"kind": "ollama", "extra_body": {"options": {"num_predict": 200}}}, 200),
        ({"extra_body": {"max_tokens": 20_000.0}}, None),
        ({"extra_body": {"max_tokens": True, "max_completion_tokens": "300"}}, None),
        ({"kind": "ollama", "extra_body": {"options": {"num_predict": -1}}}, None),
        ({"kind": "anthropic"}, 4096),
        ({"kind": "anthropic", "extra_body": {"max_tokens": 20_000.0}}, None),
        ({"kind": "anthropic", "max_output_tokens": 64_000}, 64_000),
    ],
)
def test_the_limit_of_an_answer_that_nobody_limited_is_known_where_something_is_sent(
    provider: dict[str, Any], limit: int | None
) -> None:
    assert spec(**provider).output_limit == limit


@pytest.mark.parametrize(
    ("body", "costly"),
    [
        ({"max_tokens": 9, "n": 1, "top_k": 3, "service_tier": "flex", "metadata": {"a": {}}}, False),
        ({"anthropic_version": "2023-06-01", "stream_options": {"include_usage": False}}, False),
        ({"chat_template_kwargs": {"enable_thinking": False}, "tools": [], "plugins": None}, False),
        ({"response_format": {"type": "json_object"}, "cache_control": {"type": "ephemeral"}}, False),
        ({"max_tokens": None, "best_of": None}, False),
        ({"max_tokens": 20_000.0}, True),
        ({"max_completion_tokens": 0}, True),
        ({"max_output_tokens": "many"}, True),
        ({"n": 4}, True),
        ({"n": True}, True),
        ({"best_of": "4"}, True),
        ({"service_tier": "priority"}, True),
        ({"web_search_options": {}}, True),
        ({"provider": {"sort": "throughput"}}, True),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        ({"instructions": "be brief"}, True),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, True),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, True),
        ({"MAX_TOKENS": 20_000}, True),
        ({"n_predict": 20_000}, True),
    ],
    ids=str,
)
def test_fields_that_may_cost_more_than_is_reckoned_are_known(body: dict[str, Any], costly: bool) -> None:
    assert spec(extra_body=body).costly_fields == (tuple(body) if costly else ())


def test_ollama_takes_options_that_cost_nothing() -> None:
    body = {"options": {"num_gpu": 1}, "keep_alive": -1}

    assert spec(extra_body=body, kind="ollama").costly_fields == ()
    assert spec(extra_body=body).costly_fields == ("options",)


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ({"budget": {"monthly_usd": -1}}, r"profiles\[0\]\.budget\.monthly_usd"),
        ({"budget": {"mode": "firm"}}, r"profiles\[0\]\.budget\.mode"),
        ({"budget": {"zone": "Mars"}}, r"profiles\[0\]\.budget\.zone"),
    ],
)
def test_a_budget_that_makes_no_sense_is_complained_about(section: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        config({}, profile=section)
