"""What one worker learns of a provider the others go by, and so does a gateway that is started again."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.clients import TLS, ask, said
from tests.e2e.gateway import Event, Gateway, only, running
from tests.e2e.stage import Stage, provider
from tests.upstream.behaviours import RateLimited, Status
from tests.upstream.scripted_upstream import wait_until

FIRST = "first-openai_compat"
MANY = 12
"""More requests than one worker of two is likely to get all."""


def house(stage: Stage, *, workers: int = 1, **first: Any) -> dict[str, Any]:
    providers = [
        provider("first", "openai_compat", stage["first"].port, locality="cloud", **first),
        provider("second", "openai_compat", stage["second"].port, locality="cloud"),
    ]
    profile = {
        "name": "default",
        "providers": [one["name"] for one in providers],
        "backend_health_action": "demote",
        "backend_health_threshold": 2,
        "half_open_s": 600,
    }
    return {"providers": providers, "profiles": [profile], "server": {"workers": workers}}


def health(gateway: Gateway) -> dict[str, Any]:
    """What a worker says of the first provider."""
    told = httpx.get(f"{gateway.address}/admin/health", verify=TLS).json()
    return dict(told["providers"][0])


def learned(gateway: Gateway) -> list[Event]:
    return only(gateway.events(), "health-learned")


def answered_by(gateway: Gateway) -> str:
    answer = ask(gateway, "openai_chat", "default", stream=True)
    assert said("openai_chat", answer) == "hello world"
    return str(answer.headers["x-coderouter-provider"])


def test_a_pause_that_one_worker_is_told_of_holds_for_all_and_ends_for_all(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=RateLimited(retry_after="120"))
    with running(tmp_path, house(stage, workers=2)) as gateway:
        assert answered_by(gateway) == "second-openai_compat"
        assert len(stage["first"].chats) == 1

        wait_until(lambda: bool(learned(gateway)), within_s=15)

        (told,) = learned(gateway)
        assert (told["provider"], list(told["cooldowns"])) == (FIRST, ["rate-limited"])
        assert {answered_by(gateway) for _ in range(MANY)} == {"second-openai_compat"}
        assert len(stage["first"].chats) == 1

        stage.forget()
        httpx.post(f"{gateway.address}/admin/health/reset", json={"provider": FIRST}, verify=TLS)
        wait_until(lambda: learned(gateway)[-1]["ended"] == ["rate-limited"], within_s=15)

        assert {answered_by(gateway) for _ in range(MANY)} == {FIRST}


def test_a_plan_that_an_answer_says_is_used_up_is_kept_to_by_all_and_after_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=Status(200, body=LAST_OF_THE_DAY, headers=NOTHING_LEFT))
    with running(tmp_path, house(stage, workers=2)) as gateway:
        asked = ask(gateway, "openai_chat", "default")
        assert asked.headers["x-coderouter-provider"] == FIRST
        wait_until(lambda: bool(learned(gateway)), within_s=15)

        assert {answered_by(gateway) for _ in range(MANY)} == {"second-openai_compat"}
        (paused,) = gateway.told("provider-cooldown")
        assert (paused["provider"], paused["reason"], paused["scope"]) == (FIRST, "quota", "day")

    with running(tmp_path, house(stage)) as gateway:
        assert answered_by(gateway) == "second-openai_compat"
    alone = {**house(stage), "profiles": [{"name": "default", "providers": [FIRST]}]}
    with running(tmp_path, alone) as gateway:
        refused = ask(gateway, "openai_chat", "default")

    assert len(stage["first"].chats) == 1
    assert refused.status_code == 429
    assert 3_000 < int(refused.headers["retry-after"]) <= 3_600


NOTHING_LEFT = {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "3600"}
LAST_OF_THE_DAY = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "the last"}, "finish_reason": "stop"}
        ],
    }
).encode()


def test_a_provider_that_one_worker_saw_fail_comes_last_for_all(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Status(500))
    with running(tmp_path, house(stage, workers=2)) as gateway:

        def both_know() -> bool:
            """One has seen it, and the other has seen it too, or learned it."""
            seen = [event["new_state"] for event in only(gateway.events(), "backend-health-changed")]
            states = [*seen, *(event["state"] for event in learned(gateway))]
            if "unhealthy" not in seen:
                answered_by(gateway)
            return states.count("unhealthy") >= 2

        wait_until(both_know, within_s=15)

        asked = len(stage["first"].chats)
        assert {answered_by(gateway) for _ in range(MANY)} == {"second-openai_compat"}
        assert len(stage["first"].chats) == asked


def test_a_restart_forgets_no_pause_unless_the_provider_is_another(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Status(402))
    config = house(stage, api_key_env="FIRST_KEY")
    with running(tmp_path, config, environment={"FIRST_KEY": "of-a-small-plan"}) as gateway:
        assert answered_by(gateway) == "second-openai_compat"
    stage.forget()

    with running(tmp_path, config, environment={"FIRST_KEY": "of-a-small-plan"}) as gateway:
        assert answered_by(gateway) == "second-openai_compat"
        (pause,) = health(gateway)["cooldowns"]
        assert pause["reason"] == "quota"
        assert 3_400 < pause["seconds_left"] <= 3_600

    with running(tmp_path, config, environment={"FIRST_KEY": "of-a-large-plan"}) as gateway:
        assert answered_by(gateway) == FIRST
