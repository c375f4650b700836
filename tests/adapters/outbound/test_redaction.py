"""A provider's key is taken out of a failure, however the upstream spells it."""

import json
import string

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.anthropic import anthropic
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from adapters.outbound.redaction import Redaction, secrets_of
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from domain.ports.providers import ProviderCall
from domain.routing.targets import ProviderSpec
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from tests.fakes.fixed_clock import FixedClock

KEYS = st.text(string.ascii_letters + string.digits + string.punctuation, min_size=4, max_size=40)


@st.composite
def spelt(draw: st.DrawFn, key: str) -> str:
    """The inside of a JSON string that means the key."""
    characters = []
    for character in key:
        plain = json.dumps(character)[1:-1]
        code = f"{ord(character):04x}"
        ways = [plain, f"\\u{code}", f"\\u{code.upper()}", *(["\\/"] if character == "/" else [])]
        characters.append(draw(st.sampled_from(ways)))
    return "".join(characters)


def failed(redaction: Redaction, failure: UpstreamFailure) -> UpstreamFailure:
    with pytest.raises(UpstreamFailure) as caught, redaction.of_failures():
        raise failure
    return caught.value


@given(st.data(), KEYS)
def test_no_spelling_of_the_key_survives_in_a_relayed_body(data: st.DataObject, key: str) -> None:
    body = f'{{"error": "? {data.draw(spelt(key))} ?"}}'.encode()
    answer = UpstreamAnswer(dialect="openai_chat", status=401, body=body, headers={"x-request-id": key})

    shown = failed(
        Redaction(key), UpstreamFailure(FailureKind.CREDENTIALS, f"401: bad key {key}", answer=answer)
    )

    assert shown.answer is not None
    assert json.loads(shown.answer.body) == {"error": "? [redacted] ?"}
    assert shown.answer.headers == {"x-request-id": "[redacted]"}
    assert str(shown) == shown.message == "401: bad key [redacted]"


@pytest.mark.parametrize("secret", ["", "x", "abc"])
def test_what_is_too_short_for_a_secret_changes_nothing(secret: str) -> None:
    failure = UpstreamFailure(FailureKind.OVERLOADED, "xabcx is busy", status=503, retry_after_s=2)

    shown = failed(Redaction(secret), failure)

    assert shown is failure
    assert (shown.message, shown.status, shown.retry_after_s) == ("xabcx is busy", 503, 2)


def test_words_that_no_encoding_likes_do_no_harm() -> None:
    assert Redaction("planted").text("\ud800 planted") == "\ud800 [redacted]"


def configured(base_url: str = "http://there.test", **headers: str) -> tuple[str, ...]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return secrets_of(ProviderSpec(name="one", adapter="x", base_url=base_url, headers=named), "the-key")


def test_headers_of_the_configuration_may_hold_secrets() -> None:
    assert configured(X_Portkey_Key="pk-planted", Authorization="Bearer planted-too") == (
        "the-key",
        "pk-planted",
        "Bearer planted-too",
        "planted-too",
    )


def test_what_every_request_says_is_no_secret() -> None:
    harmless = {"User_Agent": "curl/8.0.1", "X_Title": "My gateway", "HTTP_Referer": "https://here.test"}

    assert configured(**harmless, anthropic_version="2023-06-01", X_Speed="fast") == ("the-key",)


@pytest.mark.parametrize(
    ("base_url", "found"),
    [
        ("https://me:p%40ssword@there.test/v1", ("p%40ssword", "p@ssword")),
        ("https://me:planted@there.test/v1", ("planted",)),
        ("https://there.test/v1", ()),
        ("http://[broken", ()),
    ],
)
def test_a_password_in_the_address_is_a_secret(base_url: str, found: tuple[str, ...]) -> None:
    assert configured(base_url) == ("the-key", *found)


def test_one_secret_inside_another_leaves_nothing_of_either() -> None:
    assert Redaction("planted", "Bearer planted", "x").text("? Bearer planted planted x") == (
        "? [redacted] [redacted] x"
    )


@pytest.mark.parametrize("build", [anthropic, openai_compatible, ollama])
async def test_no_secret_of_a_provider_is_told_by_its_refusal(build: ProviderFactory) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": {"message": f"wrong: {request.headers['x-portkey-key']}"}})

    spec = ProviderSpec(
        name="one", adapter="x", base_url="http://there.test", headers={"x-portkey-key": "pk-planted"}
    )
    kit = ProviderKit(
        transport=httpx.MockTransport(refuse),
        clock=FixedClock(),
        secret="",
        model_server=AbsentModelServer(ModelMissing(("nothing",))),
        user_agent="test",
    )

    with pytest.raises(UpstreamFailure) as caught:
        await anext(build(spec, kit).converse(question()))

    assert caught.value.message == "401: wrong: [redacted]"
    assert caught.value.answer is not None
    assert b"planted" not in caught.value.answer.body


def question() -> ProviderCall:
    body = b'{"model":"any","messages":[{"role":"user","content":"Hello"}]}'
    request = OPENAI_CHAT.decode_request(body, {})
    return ProviderCall(request=request, request_id="r1", model="m", stream=False)
