"""A provider's key is taken out of a failure, however the upstream spells it."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.outbound.redaction import Redaction
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure

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
