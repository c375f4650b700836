"""Providers that fail are left alone, tried later, and tried again; the client hears how long that takes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.clients import DIALECTS, TLS, ClientDialect, ask, forgive, question, said
from tests.e2e.gateway import COMMAND, Gateway, only, running
from tests.e2e.stage import Stage, provider
from tests.upstream.behaviours import RateLimited, Status
from tests.upstream.scripted_upstream import HELLO, wait_until

NO_MEMORY = b'{"error": {"message": "CUDA error: out of memory", "type": "server_error", "code": 500}}'
PROFILES = [
    {"name": "pair", "providers": ["first-openai_compat", "second-openai_compat"]},
    {
        "name": "strict",
        "providers": ["first-openai_compat", "second-openai_compat"],
        "backend_health_action": "demote",
        "backend_health_threshold": 2,
        "half_open_s": 1,
        "memory_pressure_action": "skip",
    },
]


@pytest.fixture(scope="module")
def whole_house(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two providers in the cloud, as nobody probes those unasked."""
    providers = [
        provider(name, "openai_compat", whole_stage[name].port, locality="cloud")
        for name in ("first", "second")
    ]
    config: dict[str, Any] = {"providers": providers, "profiles": PROFILES, "default_profile": "pair"}
    with running(tmp_path_factory.mktemp("house"), config) as gateway:
        yield gateway


@pytest.fixture
def house(whole_house: Gateway) -> Gateway:
    forgive(whole_house)
    return whole_house


def answered_by(gateway: Gateway, profile: str) -> str:
    answer = ask(gateway, "openai_chat", profile, stream=True)
    assert answer.status_code == 200, answer.text
    assert said("openai_chat", answer) == "hello world"
    return answer.headers["x-coderouter-provider"].removesuffix("-openai_compat")


def health(gateway: Gateway) -> dict[str, Any]:
    told = httpx.get(f"{gateway.address}/admin/health", verify=TLS).json()["providers"]
    return {one["provider"].removesuffix("-openai_compat"): one for one in told}


def test_whoever_asked_to_be_left_alone_is_not_asked_again_before(house: Gateway, stage: Stage) -> None:
    stage.plays(first=RateLimited(retry_after="120"))
    assert answered_by(house, "pair") == "second"
    stage.plays(first=HELLO)

    assert answered_by(house, "pair") == "second"

    assert len(stage["first"].requests) == 1
    (pause,) = health(house)["first"]["cooldowns"]
    assert pause["reason"] == "rate-limited"
    assert 100 < pause["seconds_left"] <= 120
    wait_until(lambda: bool(only(house.events(), "provider-cooldown")))
    told = only(house.events(), "provider-cooldown")[-1]
    assert (told["provider"], told["cooldown_s"]) == ("first-openai_compat", 120.0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_client_hears_when_the_first_provider_is_back(
    house: Gateway, stage: Stage, dialect: ClientDialect
) -> None:
    stage.plays(first=RateLimited(retry_after="120"), second=RateLimited(retry_after="40"))
    ask(house, dialect, "pair")

    answer = ask(house, dialect, "pair")

    assert answer.status_code == 429
    assert 30 < int(answer.headers["retry-after"]) <= 40
    assert answer.headers["x-should-retry"] == "true"
    assert answer.json()["error"]["type"] == "rate_limit_error"


def test_a_provider_can_be_reset_at_a_persons_word(house: Gateway, stage: Stage) -> None:
    stage.plays(first=Status(401))
    assert answered_by(house, "pair") == "second"
    assert health(house)["first"]["cooldowns"][0]["reason"] == "misconfigured"
    stage.plays(first=HELLO)
    url = f"{house.address}/admin/health/reset"

    reset = httpx.post(url, json={"provider": "first-openai_compat"}, verify=TLS)

    assert reset.json()["providers"][0]["cooldowns"] == []
    assert answered_by(house, "pair") == "first"
    assert httpx.post(url, json={"provider": "nobody"}, verify=TLS).status_code == 404


def test_an_unhealthy_provider_comes_last_and_is_back_after_a_trial(house: Gateway, stage: Stage) -> None:
    stage.plays(first=Status(500))
    for _ in range(4):
        assert answered_by(house, "strict") == "second"
    assert health(house)["first"]["state"] == "unhealthy"
    asked = len(stage["first"].requests)
    assert answered_by(house, "strict") == "second"
    assert len(stage["first"].requests) == asked
    stage.plays(first=HELLO)

    answer = _after_a_trial(house)

    assert only(house.story(answer.headers["x-request-id"]), "half-open-trial")
    assert answered_by(house, "strict") == "first"
    assert health(house)["first"]["state"] == "healthy"


def _after_a_trial(house: Gateway) -> httpx.Response:
    """The first answer of the provider that is tried again, a second after it failed last."""
    answers: list[httpx.Response] = []

    def tried_again() -> bool:
        answers.append(ask(house, "openai_chat", "strict", stream=True))
        return answers[-1].headers["x-coderouter-provider"] == "first-openai_compat"

    wait_until(tried_again, within_s=10.0)
    return answers[-1]


def test_a_backend_out_of_memory_is_passed_by(house: Gateway, stage: Stage) -> None:
    stage.plays(first=Status(500, body=NO_MEMORY))
    assert answered_by(house, "strict") == "second"
    stage.plays(first=HELLO)

    assert answered_by(house, "strict") == "second"
    assert answered_by(house, "pair") == "first"


def test_a_rehearsal_tells_who_is_left_alone_and_why(house: Gateway, stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=RateLimited(retry_after="120"))
    answered_by(house, "pair")
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps(question("pair")), encoding="utf-8")
    command = [*COMMAND, "route", "--url", house.address, "--json", str(asked)]

    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    places = {place["provider"]: place for place in json.loads(told)["chain"]}
    assert places["first-openai_compat"]["position"] == 0
    assert "rate limit is reached: for another " in places["first-openai_compat"]["why"]
    assert places["second-openai_compat"]["position"] == 1


def test_a_rehearsal_at_an_address_where_nobody_answers_says_so(stage: Stage, tmp_path: Path) -> None:
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps(question("pair")), encoding="utf-8")
    command = [*COMMAND, "route", "--url", f"http://127.0.0.1:{stage.refusing_port}", str(asked)]

    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert told.returncode == 5
    assert "no gateway answers" in told.stderr
