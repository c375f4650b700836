"""What goes along with a request to an upstream, and what does not."""

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
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
