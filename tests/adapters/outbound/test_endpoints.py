"""What goes along with a request to an upstream, and what does not."""

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.endpoints import anthropic_endpoint
from domain.routing.targets import ProviderSpec

BODY = b'{"model":"any","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]}'


@pytest.mark.parametrize("odd", ["\u00e9", "a\r\nx-api-key: b", "a\0", "\u4f60"])
def test_a_clients_header_that_cannot_be_sent_fails_no_provider(odd: str) -> None:
    endpoint = anthropic_endpoint(
        ProviderSpec(name="one", adapter="x", base_url="http://there.test"), "k", "test"
    )
    request = ANTHROPIC_MESSAGES.decode_request(
        BODY, {"anthropic-beta": odd, "anthropic-version": "2024-01-01", f"anthropic-{odd}": "x"}
    )

    headers = endpoint.request_headers(request, ANTHROPIC_MESSAGES.name)

    assert "anthropic-beta" not in headers
    assert headers["anthropic-version"] == "2024-01-01"
    assert headers["x-api-key"] == "k"
    assert len(headers) == 4


@pytest.mark.parametrize("told", ["dropped-2025, kept-2025", "dropped-2025"])
def test_a_configured_beta_that_is_dropped_goes_along_with_no_request(told: str) -> None:
    spec = ProviderSpec(
        name="one",
        adapter="x",
        base_url="http://there.test",
        headers={"Anthropic-Beta": told},
        drop_betas=("dropped-*",),
    )
    endpoint = anthropic_endpoint(spec, "k", "test")
    abroad = OPENAI_CHAT.decode_request(b'{"messages":[{"role":"user","content":"Hello"}]}', {})
    at_home = ANTHROPIC_MESSAGES.decode_request(BODY, {"anthropic-beta": "dropped-2026,own"})

    kept = ["kept-2025"] if "kept" in told else []
    sent = [endpoint.request_headers(request, ANTHROPIC_MESSAGES.name) for request in (abroad, at_home)]

    assert [headers.get_list("anthropic-beta", split_commas=True) for headers in sent] == [
        kept,
        ["own", *kept],
    ]
