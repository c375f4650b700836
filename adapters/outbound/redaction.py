"""Takes a provider's key out of whatever its upstream says when something goes wrong."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from domain.failures import UpstreamAnswer, UpstreamFailure

_REDACTED = "[redacted]"

_SHORTEST = 4
"""Characters; what is shorter is no secret, and stands in every other word."""


class Redaction:
    """Knows one secret in every way in which JSON may spell it; empty redacts nothing."""

    def __init__(self, secret: str) -> None:
        self._pattern = _spelt(secret) if len(secret) >= _SHORTEST else None

    def __repr__(self) -> str:
        return f"<Redaction of {'a secret' if self._pattern else 'nothing'}>"

    @contextmanager
    def of_failures(self) -> Iterator[None]:
        """A failure leaves the block without the secret; it keeps its kind, which was told from all words."""
        try:
            yield
        except UpstreamFailure as failure:
            failure.message = self.text(failure.message)
            failure.args = (failure.message,)
            failure.answer = failure.answer and self._answer(failure.answer)
            raise

    def text(self, text: str) -> str:
        return self._bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _bytes(self, data: bytes) -> bytes:
        return self._pattern.sub(_REDACTED.encode(), data) if self._pattern else data

    def _answer(self, answer: UpstreamAnswer) -> UpstreamAnswer:
        headers = {name: self.text(value) for name, value in answer.headers.items()}
        return replace(answer, body=self._bytes(answer.body), headers=MappingProxyType(headers))


def _spelt(secret: str) -> re.Pattern[bytes]:
    r"""Each character as it is, behind a backslash, or as ``\u00XX`` (RFC 8259, section 7)."""
    characters = (
        rb"(?:\\u(?i:%04x)|\\?%b)" % (ord(character), re.escape(character.encode())) for character in secret
    )
    return re.compile(b"".join(characters))
