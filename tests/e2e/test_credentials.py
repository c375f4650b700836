"""Keys stay where they belong: the client's with us, the provider's between us and the provider."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.clients import DIALECTS, PATHS, ClientDialect, ask, forgive, question
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import KINDS, Kind, Stage, provider
from tests.upstream.behaviours import Answer, InBandError, Status

KEY = "planted+key/of-the-provider=0123456789"
CLIENTS_KEY = "planted-key-of-the-client-0123456789"
KEY_HEADERS = {"openai_compat": ("authorization", f"Bearer {KEY}"), "anthropic": ("x-api-key", KEY)}


@pytest.fixture
def locked(whole_locked: Gateway) -> Gateway:
    """A gateway whose providers need a key, and against which nothing is held."""
    forgive(whole_locked)
    return whole_locked


@pytest.fixture(scope="module")
def whole_locked(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A key is never found in what it wrote."""
    providers = [
        provider("locked", kind, whole_stage["first"].port, api_key_env="PLANTED_KEY") for kind in KINDS
    ]
    config = {
        "providers": providers,
        "profiles": [{"name": "default", "providers": [each["name"] for each in providers]}],
    }
    environment = {"PLANTED_KEY": KEY, "CODEROUTER_LOG_LEVEL": "debug"}
    with running(tmp_path_factory.mktemp("locked"), config, environment=environment) as gateway:
        yield gateway
        assert KEY not in gateway.log
        assert CLIENTS_KEY not in gateway.log


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_upstream_gets_the_providers_key_and_never_the_clients(
    locked: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind
) -> None:
    headers = {
        "authorization": f"Bearer {CLIENTS_KEY}",
        "x-api-key": CLIENTS_KEY,
        "api-key": CLIENTS_KEY,
        "x-goog-api-key": CLIENTS_KEY,
        "cookie": f"session={CLIENTS_KEY}",
        "proxy-authorization": f"Basic {CLIENTS_KEY}",
    }

    answer = ask(locked, dialect, f"locked-{kind}", headers=headers)

    assert answer.status_code == 200, answer.text
    sent = stage["first"].chats[0]
    name, value = KEY_HEADERS[kind]
    assert sent.headers[name] == value
    assert CLIENTS_KEY not in str(sent.headers)
    assert CLIENTS_KEY.encode() not in sent.raw_body
    assert KEY not in answer.text + str(answer.headers)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_key_that_an_upstream_repeats_in_its_refusal_goes_no_further(
    locked: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, status: int
) -> None:
    body = f'{{"type":"error","error":{{"type":"x","message":"bad key {KEY}"}}}}'.encode()
    stage.plays(first=Status(status, body=body, headers={"x-request-id": KEY, "retry-after": KEY}))

    answer = ask(locked, dialect, f"locked-{kind}")

    assert answer.status_code in (status, 502, 503, 529)
    assert KEY not in answer.text + str(answer.headers)
    locked.story(answer.headers["x-request-id"])
    assert KEY not in locked.log


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after_events", [0, 4])
def test_a_key_that_an_upstream_repeats_within_its_answer_goes_no_further(
    locked: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, stream: bool, after_events: int
) -> None:
    stage.plays(first=InBandError(after_events=after_events, message=f"bad key {KEY}"))

    answer = ask(locked, dialect, f"locked-{kind}", stream=stream)

    assert KEY not in answer.text
    locked.story(answer.headers["x-request-id"])
    assert KEY not in locked.log


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_not_sent_to_where_an_upstream_points(locked: Gateway, stage: Stage, kind: Kind) -> None:
    stage.plays(first=Status(307, headers={"location": f"{stage['second'].origin}/v1/messages"}))

    answer = ask(locked, "openai_chat", f"locked-{kind}")

    assert answer.status_code == 502
    assert stage["second"].requests == []


def test_a_key_in_an_answers_own_words_is_the_models_to_say(locked: Gateway, stage: Stage) -> None:
    """Answers are not searched: only what goes wrong is."""
    stage.plays(first=Answer.text("sk-abcdefghijklmnopqrstuvwxyz"))

    answer = httpx.post(locked.address + PATHS["openai_chat"], json=question("locked-openai_compat"))

    assert "sk-abcdefghijklmnopqrstuvwxyz" in answer.text
    assert "sk-abcdefghijklmnopqrstuvwxyz" not in locked.log
