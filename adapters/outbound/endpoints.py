"""Where and how an upstream is asked: its URL and headers, by the conventions of its vendor."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.conversation.request import ChatRequest
from domain.routing.targets import ProviderSpec

ANTHROPIC_VERSION = "2023-06-01"
"""Sent when neither the client nor the configuration names one (Anthropic API, "Versions")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One address with the headers that every request to it carries.

    ``own_headers`` says whether the client's headers of the upstream's own dialect go along.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    own_headers: bool = False

    def request_headers(self, request: ChatRequest, dialect: str) -> list[tuple[str, str]]:
        if not self.own_headers or request.dialect != dialect or not request.headers:
            return list(self.headers)
        theirs = request.headers
        return [(name, value) for name, value in self.headers if name not in theirs] + list(theirs.items())


def openai_endpoint(spec: ProviderSpec, secret: str, user_agent: str) -> Endpoint:
    """``<base_url>/chat/completions``; the base URL already holds ``/v1`` or what stands for it."""
    bearer = {"authorization": f"Bearer {secret}"} if secret else {}
    return Endpoint(
        url=f"{spec.base_url.rstrip('/')}/chat/completions",
        headers=_headers(user_agent, bearer, spec.headers),
    )


def anthropic_endpoint(spec: ProviderSpec, secret: str, user_agent: str) -> Endpoint:
    """``<base_url>/v1/messages``, whether or not the base URL ends in ``/v1``."""
    version = spec.extra_body.get("anthropic_version")
    own = {"anthropic-version": version if isinstance(version, str) else ANTHROPIC_VERSION}
    if secret:
        own["x-api-key"] = secret
    return Endpoint(
        url=f"{spec.base_url.rstrip('/').removesuffix('/v1')}/v1/messages",
        headers=_headers(user_agent, own, spec.headers),
        own_headers=True,
    )


def _headers(
    user_agent: str, own: Mapping[str, str], configured: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """The configuration has the last word, also on the user agent."""
    general = {"content-type": "application/json", "user-agent": user_agent}
    return tuple((general | dict(own) | {name.lower(): value for name, value in configured.items()}).items())
