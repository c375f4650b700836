"""Takes a provider's secrets out of whatever its upstream says when something goes wrong."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from urllib.parse import SplitResult, unquote, urlsplit

from domain.conversation.extensions import Json
from domain.failures import UpstreamAnswer, UpstreamFailure
from domain.routing.targets import ProviderSpec

_REDACTED = "[redacted]"

_SHORTEST = 4
"""Characters; what is shorter is no secret, and stands in every other word."""

_SHORTEST_SETTING = 8
"""Characters; a configured header or option may well say ``true`` or ``fast``, and be no secret."""

_HARMLESS_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "http-referer",
        "referer",
        "user-agent",
        "x-title",
    }
)
_SECRET_OPTION = re.compile(
    r"token(?!i)|secret|passw|credential|(\b|api|access|private)[_-]?key", re.IGNORECASE
)
"""Names of an adapter's options that hold something to be kept."""

_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization"})
"""Their value is a scheme and a credential (RFC 9110, 11.4); each may be told by itself."""


def secrets_of(spec: ProviderSpec, key: str) -> tuple[str, ...]:
    """Everything in a provider's configuration that may be a secret, with its key; none of it empty."""
    found = (key, *_in_headers(spec), *_in_url(spec.base_url), *_in_options(spec.options))
    return tuple(dict.fromkeys(secret for secret in found if secret))


class Redaction:
    """Knows secrets in every way in which JSON may spell them; none, or empty ones, redact nothing."""

    def __init__(self, *secrets: str) -> None:
        longest_first = sorted((each for each in secrets if len(each) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(_spelt, longest_first))) if longest_first else None
        self._of_failures = _OfFailures(self)

    def __repr__(self) -> str:
        return f"<Redaction of {'secrets' if self._pattern else 'nothing'}>"

    def of_failures(self) -> "_OfFailures":
        """A failure leaves the block without secrets; it keeps its kind, which was told from all words."""
        return self._of_failures

    def clean(self, failure: UpstreamFailure) -> None:
        """Takes them out of what it says."""
        failure.message = self.text(failure.message)
        failure.args = (failure.message,)
        failure.answer = failure.answer and self._answer(failure.answer)

    def text(self, text: str) -> str:
        return self._bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _bytes(self, data: bytes) -> bytes:
        return self._pattern.sub(_REDACTED.encode(), data) if self._pattern else data

    def _answer(self, answer: UpstreamAnswer) -> UpstreamAnswer:
        headers = {name: self.text(value) for name, value in answer.headers.items()}
        return replace(answer, body=self._bytes(answer.body), headers=MappingProxyType(headers))


class _OfFailures:
    """Entered by every request; a generator would cost it several times as much."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UpstreamFailure):
            self._redaction.clean(error)


def _in_headers(spec: ProviderSpec) -> Iterator[str]:
    for name, value in spec.headers.items():
        if name.lower() in _HARMLESS_HEADERS or len(value) < _SHORTEST_SETTING:
            continue
        yield value
        if name.lower() in _CREDENTIAL_HEADERS:
            yield value.partition(" ")[2].strip()


def _in_options(options: Mapping[str, Json]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _in_options(value)
        elif isinstance(value, str) and len(value) >= _SHORTEST_SETTING and _SECRET_OPTION.search(name):
            yield value


def _in_url(base_url: str) -> Iterable[str]:
    """The password as it is written and as it is meant."""
    try:
        parts: SplitResult = urlsplit(base_url)
    except ValueError:
        return ()
    password = parts.password or ""
    return (password, unquote(password))


def _spelt(secret: str) -> bytes:
    r"""Each character as it is, behind a backslash, or as ``\u00XX`` (RFC 8259, section 7)."""
    characters = (
        rb"(?:\\u(?i:%04x)|\\?%b)" % (ord(character), re.escape(character.encode())) for character in secret
    )
    return b"".join(characters)
