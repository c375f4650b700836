"""Tells our errors as the ``error`` of a response that failed."""

from collections.abc import Mapping

from adapters.dialects.dialect import ErrorReport
from domain.conversation.extensions import Json

_CODES: Mapping[str, str] = {
    "rate_limit_error": "rate_limit_exceeded",
    "insufficient_quota": "insufficient_quota",
    "invalid_request_error": "invalid_prompt",
    "permission_error": "invalid_prompt",
}
"""
An error's type -> the ``code`` of a failed response, of which clients know few.

Codex gives up at ``invalid_prompt``, ``insufficient_quota`` and ``context_length_exceeded``, and tries
anything else again.
"""


def failure_object(report: ErrorReport) -> dict[str, Json]:
    """The ``error`` of a ``response`` that failed."""
    return {"code": report.code or _CODES.get(report.type, "server_error"), "message": report.message}
