"""Our errors in Anthropic's envelope."""

from typing import Any

import msgspec

from adapters.dialects.dialect import ErrorReport
from adapters.dialects.sse import named_frame


def encode_error(report: ErrorReport) -> bytes:
    """``{"type":"error","error":{"type","message"},"request_id"}``, as docs.anthropic.com/en/api/errors."""
    envelope = _envelope(report)
    if report.request_id:
        envelope["request_id"] = report.request_id
    return msgspec.json.encode(envelope)


def error_frame(report: ErrorReport) -> bytes:
    """The event that ends a broken stream."""
    return named_frame(b"error", msgspec.json.encode(_envelope(report)))


def _envelope(report: ErrorReport) -> dict[str, Any]:
    return {"type": "error", "error": {"type": report.type, "message": report.message}}
