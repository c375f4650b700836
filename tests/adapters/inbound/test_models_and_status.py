"""What a client may name, who answers here, and whether it takes work."""

import pytest

from domain.access.keys import Key, KeyRing, Scope, digest_of
from tests.adapters.inbound.gateway import Answered, Client, Gateway, gateway

KEY = Key(id="a", member="anna", digest=digest_of("a", "secret"), scopes=frozenset({Scope.INFERENCE}))


async def get(house: Gateway, path: str, method: str = "GET") -> Answered:
    return await Client(house.app, path, method=method).run()


async def test_the_models_are_profiles_declared_names_and_providers() -> None:
    answered = await get(gateway(), "/v1/models?limit=1000")

    assert answered.status == 200
    ids = [model["id"] for model in answered.json["data"]]
    assert ids == ["default", "solo", "claude-house/best", "local", "cloud"]


async def test_a_model_has_the_fields_of_both_vendors() -> None:
    answered = await get(gateway(), "/v1/models")

    assert answered.json["data"][0] == {
        "id": "default",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "coderouter",
        "type": "model",
        "display_name": "default (profile)",
        "created_at": "2023-11-14T22:13:20Z",
    }


async def test_the_list_is_one_page_for_both_vendors() -> None:
    body = (await get(gateway(), "/v1/models")).json
    del body["data"]

    assert body == {"object": "list", "has_more": False, "first_id": "default", "last_id": "cloud"}


@pytest.mark.parametrize("id", ["default", "local", "claude-house/best"])
async def test_one_model_is_found_by_its_name_even_with_a_slash(id: str) -> None:
    answered = await get(gateway(), f"/v1/models/{id}")

    assert (answered.status, answered.json["id"]) == (200, id)


async def test_a_model_that_is_not_there_is_named() -> None:
    answered = await get(gateway(), "/v1/models/nobody/here")

    assert answered.status == 404
    assert "'nobody/here'" in answered.json["error"]["message"]
    assert answered.headers["x-request-id"] == "id-1"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_root_tells_who_answers(method: str) -> None:
    answered = await get(gateway(), "/", method)

    assert answered.status == 200
    assert method == "HEAD" or answered.json == {"service": "coderouter", "version": "1.2.3"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_claude_code_finds_its_hello(method: str) -> None:
    assert (await get(gateway(), "/api/hello", method)).status == 200


async def test_health_tells_what_was_configured() -> None:
    answered = await get(gateway(), "/healthz")

    assert answered.json == {
        "status": "ok",
        "version": "1.2.3",
        "providers": ["local", "cloud"],
        "allow_paid": False,
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_may_ask_for_the_head_alone(path: str) -> None:
    assert (await get(gateway(), path, "HEAD")).status == 200


async def test_readiness_turns_false_while_draining() -> None:
    house = gateway()

    ready = await get(house, "/readyz")
    house.readiness.ready = False
    draining = await get(house, "/readyz")

    assert (ready.status, ready.json) == (200, {"ready": True})
    assert (draining.status, draining.json) == (503, {"ready": False})


async def test_who_cannot_read_its_keys_is_alive_and_not_ready() -> None:
    house = gateway()

    house.keys.are_known = False
    unready, alive = await get(house, "/readyz"), await get(house, "/healthz")
    house.keys.ring = KeyRing([KEY], {})
    some_hold = await get(house, "/readyz")
    house.keys.are_known, house.keys.ring = True, KeyRing([], {})
    found = await get(house, "/readyz")

    assert (unready.status, alive.status) == (503, 200)
    assert unready.json["ready"] is False
    assert "cannot read its keys" in unready.json["reason"]
    assert (some_hold.status, found.status) == (200, 200)
    assert found.json == {"ready": True}


async def test_none_of_this_asks_an_upstream() -> None:
    house = gateway()

    for path in ("/", "/healthz", "/readyz", "/v1/models", "/v1/models/local", "/api/hello"):
        await get(house, path)

    assert house.sink.events == []
    assert all(provider.calls == [] for provider in house.providers.values())
