"""Writes our errors in OpenAI's envelope, which all its dialects share."""

import msgspec

from adapters.dialects.dialect import ErrorReport


def encode_error(report: ErrorReport) -> bytes:
    """The envelope of https://platform.openai.com/docs/guides/error-codes."""
    return msgspec.json.encode(
        {
            "error": {
                "message": report.message,
                "type": report.type,
                "param": report.param,
                "code": report.code,
            }
        }
    )
