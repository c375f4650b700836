"""Where a request goes: profile, mode, model name, money and keys."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.clients import DIALECTS, PATHS, TLS, ClientDialect, ask, frames, question
from tests.e2e.gateway import Gateway, only, running
from tests.e2e.stage import Stage, provider

RULES = {
    "body": ({"profile": "cloudy"}, {}, "body-profile"),
    "profile header": ({}, {"x-coderouter-profile": "cloudy"}, "profile-header"),
    "mode header": ({}, {"x-coderouter-mode": "think"}, "mode-header"),
    "model naming a profile": ({"model": "cloudy"}, {}, "model-profile"),
    "model alias of a profile": ({"model": "gpt-5"}, {}, "model-alias"),
    "body over header": ({"profile": "cloudy"}, {"x-coderouter-profile": "default"}, "body-profile"),
    "header over mode": (
        {},
        {"x-coderouter-profile": "cloudy", "x-coderouter-mode": "plain"},
        "profile-header",
    ),
}


@pytest.fixture(scope="module")
def choosy(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with much to choose from, and paid providers off."""
    with running(tmp_path_factory.mktemp("choosy"), _config(whole_stage)) as gateway:
        yield gateway


def _config(stage: Stage) -> dict[str, object]:
    return stage.config(
        providers=[
            provider("paid", "openai_compat", stage["second"].port, paid=True),
            provider("keyless", "openai_compat", stage["third"].port, api_key_env="NOT_SET_ANYWHERE"),
        ],
        profiles=[
            {"name": "cloudy", "providers": ["second-anthropic"]},
            {"name": "rich", "providers": ["paid-openai_compat"]},
            {"name": "thrifty", "providers": ["paid-openai_compat", "first-openai_compat"]},
            {"name": "locked", "providers": ["keyless-openai_compat"]},
            {"name": "half-locked", "providers": ["keyless-openai_compat", "first-openai_compat"]},
        ],
        mode_aliases={"think": "cloudy", "plain": "default"},
        models={
            "gpt-5": "cloudy",
            "claude-opus": {"provider": "third-anthropic", "model": "another-model"},
            "short": "last-openai_compat",
        },
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("rule", RULES)
def test_a_client_chooses_the_profile(
    choosy: Gateway, stage: Stage, dialect: ClientDialect, rule: str
) -> None:
    fields, headers, told = RULES[rule]
    body = {"model": "whatever", **fields}

    answer = httpx.post(choosy.address + PATHS[dialect], json=question(**body), headers=headers, verify=TLS)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coderouter-profile"] == "cloudy"
    assert answer.headers["x-coderouter-rule"] == told
    assert answer.headers["x-coderouter-provider"] == "second-anthropic"
    assert "profile" not in stage["second"].chats[0].body


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("model", "upstream", "asked_for"),
    [
        ("last-anthropic", "last", "last-model"),
        ("short", "last", "last-model"),
        ("claude-opus", "third", "another-model"),
        ("never-heard-of-it", "first", "first-model"),
    ],
)
def test_a_model_name_leads_to_one_provider_or_the_default_way(
    choosy: Gateway, stage: Stage, dialect: ClientDialect, model: str, upstream: str, asked_for: str
) -> None:
    answer = ask(choosy, dialect, model)

    assert answer.status_code == 200, answer.text
    assert [chat.body["model"] for chat in stage[upstream].chats] == [asked_for]
    assert answer.headers["x-coderouter-model"] == asked_for


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["first-openai_compat", "first-anthropic", "gpt-5"])
def test_the_answer_names_the_model_that_was_asked_for(
    choosy: Gateway, stage: Stage, dialect: ClientDialect, model: str
) -> None:
    whole = ask(choosy, dialect, model)
    streamed = frames(ask(choosy, dialect, model, stream=True).text)

    assert whole.json()["model"] == model
    if dialect == "openai_chat":
        assert {frame["model"] for frame in streamed} == {model}
    else:
        assert streamed[0]["message"]["model"] == model


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("headers", "listed"),
    [
        ({"x-coderouter-profile": "nope"}, ["cloudy", "default", "rich"]),
        ({"x-coderouter-mode": "nope"}, ["think", "plain"]),
    ],
)
def test_an_unknown_choice_is_a_400_that_lists_what_there_is(
    choosy: Gateway, stage: Stage, dialect: ClientDialect, headers: dict[str, str], listed: list[str]
) -> None:
    answer = ask(choosy, dialect, "default", headers=headers)

    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert all(choice in message for choice in listed)
    assert stage["first"].chats == []


ROUTES: dict[str, dict[str, object]] = {
    "/v1/chat/completions": question("default"),
    "/v1/messages": question("default"),
    "/v1/messages/count_tokens": question("default"),
    "/v1/messages/count_tokens?exact=true": question("default"),
    "/v1/responses": {"model": "default", "input": "Say hello."},
    "/v1/completions": {"prompt": "hi"},
    "/v1/embeddings": {"model": "default", "input": "Say hello."},
}
CHOICES: dict[str, tuple[dict[str, object], dict[str, str], str]] = {
    "a profile in the body": ({"profile": "nope"}, {}, "cloudy, default"),
    "no profile in the body": ({"profile": ""}, {}, "cloudy, default"),
    "auto in the body": ({"profile": "auto"}, {}, "cloudy, default"),
    "a profile in the header": ({}, {"x-coderouter-profile": "nope"}, "cloudy, default"),
    "a mode": ({}, {"x-coderouter-mode": "nope"}, "plain, think"),
    "a profile as a mode": ({}, {"x-coderouter-mode": "cloudy"}, "plain, think"),
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("choice", CHOICES)
def test_every_route_refuses_an_unknown_choice_and_lists_what_there_is(
    choosy: Gateway, stage: Stage, path: str, choice: str
) -> None:
    fields, headers, listed = CHOICES[choice]
    answer = httpx.post(choosy.address + path, json=ROUTES[path] | fields, headers=headers, verify=TLS)

    assert answer.status_code == 400, answer.text
    assert listed in answer.json()["error"]["message"]
    assert [request for request in stage["first"].requests if request.method == "POST"] == []


@pytest.mark.parametrize("path", [path for path in ROUTES if "count" not in path])
@pytest.mark.parametrize("rule", RULES)
def test_every_route_goes_where_it_is_told(choosy: Gateway, stage: Stage, path: str, rule: str) -> None:
    fields, headers, told = RULES[rule]
    body = ROUTES[path] | {"model": "whatever"} | fields

    answer = httpx.post(choosy.address + path, json=body, headers=headers, verify=TLS)

    assert (answer.headers["x-coderouter-profile"], answer.headers["x-coderouter-rule"]) == ("cloudy", told)


def test_a_request_id_is_kept_when_it_is_sane_and_made_when_it_is_not(choosy: Gateway, stage: Stage) -> None:
    kept = ask(choosy, "openai_chat", "default", headers={"x-request-id": "Mine_1.2-3"})
    made = ask(choosy, "openai_chat", "default", headers={"x-request-id": "no spaces, please"})

    assert kept.headers["x-request-id"] == "Mine_1.2-3"
    assert made.headers["x-request-id"] not in ("", "no spaces, please")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_paid_providers_are_left_out_unless_they_are_allowed(
    choosy: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    answer = ask(choosy, dialect, "thrifty")

    assert answer.headers["x-coderouter-provider"] == "first-openai_compat"
    assert stage["second"].chats == []
    story = choosy.story(answer.headers["x-request-id"])
    assert [event["provider"] for event in only(story, "skip-paid-provider")] == ["paid-openai_compat"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_nothing_but_money_in_the_way_is_a_402(
    choosy: Gateway, stage: Stage, dialect: ClientDialect, stream: bool
) -> None:
    answer = ask(choosy, dialect, "rich", stream=stream)

    assert answer.status_code == 402
    assert answer.headers["x-should-retry"] == "false"
    assert "paid" in answer.json()["error"]["message"]
    assert len(only(choosy.story(answer.headers["x-request-id"]), "chain-paid-gate-blocked")) == 1


def test_allow_paid_in_the_environment_lets_them_be_used(stage: Stage, tmp_path: Path) -> None:
    with running(tmp_path, _config(stage), environment={"ALLOW_PAID": "true"}) as gateway:
        answer = ask(gateway, "openai_chat", "rich")

        assert answer.status_code == 200
        assert answer.headers["x-coderouter-provider"] == "paid-openai_compat"
        assert httpx.get(f"{gateway.address}/healthz").json()["allow_paid"] is True


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_provider_without_its_key_is_passed_over(
    choosy: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    answer = ask(choosy, dialect, "half-locked")

    assert answer.headers["x-coderouter-provider"] == "first-openai_compat"
    assert stage["third"].chats == []
    story = choosy.story(answer.headers["x-request-id"])
    assert [event["provider"] for event in only(story, "skip-missing-credential")] == [
        "keyless-openai_compat"
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_lone_provider_without_its_key_is_a_502_in_words(
    choosy: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    answer = ask(choosy, dialect, "locked")

    assert answer.status_code == 502
    assert answer.headers["x-should-retry"] == "false"
    message = answer.json()["error"]["message"]
    assert "keyless-openai_compat" in message
    assert "key" in message
    assert stage["third"].chats == []
