"""What a scripted upstream remembers about the connections and requests that reached it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class ConnectionRecord:
    """One accepted connection. Times are `time.monotonic()` seconds, to be compared with the test's own."""

    number: int
    opened_at: float
    closed_by_peer_at: float | None = None
    """When the peer's end (FIN or RST) arrived; None while it is open, and when this side closed first."""
    closed_by_us_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as it came off the wire, whole."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Names in lower case; of a repeated name the last value."""
    raw_body: bytes
    arrived_at: float
    """`time.monotonic()` seconds when the last byte of the body was there."""
    connection: ConnectionRecord

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def body(self) -> Any:
        """The body as JSON; None when there is none. Raises `json.JSONDecodeError` when it is not JSON."""
        return json.loads(self.raw_body) if self.raw_body else None

    @property
    def is_chat(self) -> bool:
        """Whether it asks for a completion, as against models, health or a token count."""
        return self.method == "POST" and self.path in ("/v1/chat/completions", "/v1/messages")

    @property
    def wants_stream(self) -> bool:
        return isinstance(self.body, dict) and self.body.get("stream") is True

    @property
    def wants_usage_in_stream(self) -> bool:
        return bool((self.body.get("stream_options") or {}).get("include_usage"))
