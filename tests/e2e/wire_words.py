"""A short question in each client dialect, and what its answers look like on the wire."""

from typing import Any

ROUTES = {
    "openai_chat": "/v1/chat/completions",
    "anthropic_messages": "/v1/messages",
    "openai_responses": "/v1/responses",
}
BODIES: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Say hello."}]},
    "anthropic_messages": {"max_tokens": 50, "messages": [{"role": "user", "content": "Say hello."}]},
    "openai_responses": {"input": "Say hello."},
}
ENDS = {
    "openai_chat": "data: [DONE]",
    "anthropic_messages": "event: message_stop",
    "openai_responses": "event: response.completed",
}
"""What reads as the end of a good answer."""
