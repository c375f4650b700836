"""Where and how an upstream is asked: its URL and headers, by the conventions of its vendor."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from domain.conversation.request import ChatRequest
from domain.routing.betas import BETA_HEADER, betas_in, dropped
from domain.routing.targets import ProviderSpec

ANTHROPIC_VERSION = "2023-06-01"
"""Sent when neither the client nor the configuration names one (Anthropic API, "Versions")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One address with the headers that every request to it carries.

    ``own_headers`` says whether the client's headers of the upstream's own dialect go along, ``drop_betas``
    which of Anthropic's betas are left out of them.
    """

    url: httpx.URL
    headers: httpx.Headers
    own_headers: bool = False
    drop_betas: tuple[str, ...] = ()

    def request_headers(self, request: ChatRequest, dialect: str) -> httpx.Headers:
        """The headers of one request; to be read, not changed. What no header may say is left out."""
        if not self.own_headers or request.dialect != dialect or not request.headers:
            return self.headers
        headers = self.headers.copy()
        headers.update({name: said for name, said in request.headers.items() if _is_plain(name + said)})
        if BETA_HEADER in headers:
            self._unite_betas(headers)
        return headers

    def _unite_betas(self, headers: httpx.Headers) -> None:
        """The client's betas and the configured ones, each once, but for those that are dropped."""
        asked = (*betas_in(headers[BETA_HEADER]), *betas_in(self.headers.get(BETA_HEADER, "")))
        _ask_for(headers, asked, self.drop_betas)


def openai_endpoint(spec: ProviderSpec, secret: str, user_agent: str) -> Endpoint:
    """``<base_url>/chat/completions``; the base URL already holds ``/v1`` or what stands for it."""
    bearer = {"authorization": f"Bearer {secret}"} if secret else {}
    return Endpoint(
        url=httpx.URL(f"{spec.base_url.rstrip('/')}/chat/completions"),
        headers=headers_for(user_agent, bearer, spec.headers),
    )


def anthropic_endpoint(spec: ProviderSpec, secret: str, user_agent: str) -> Endpoint:
    """``<base_url>/v1/messages``, whether or not the base URL ends in ``/v1``."""
    version = spec.extra_body.get("anthropic_version")
    own = {"anthropic-version": version if isinstance(version, str) else ANTHROPIC_VERSION}
    if secret:
        own["x-api-key"] = secret
    return Endpoint(
        url=httpx.URL(f"{spec.base_url.rstrip('/').removesuffix('/v1')}/v1/messages"),
        headers=headers_for(user_agent, own, spec.headers, spec.drop_betas),
        own_headers=True,
        drop_betas=spec.drop_betas,
    )


def ollama_endpoint(spec: ProviderSpec, secret: str, user_agent: str) -> Endpoint:
    """``<base_url>/api/chat``, whether or not the base URL ends in ``/v1`` or ``/api``."""
    bearer = {"authorization": f"Bearer {secret}"} if secret else {}
    root = spec.base_url.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")
    return Endpoint(url=httpx.URL(f"{root}/api/chat"), headers=headers_for(user_agent, bearer, spec.headers))


def _ask_for(headers: httpx.Headers, betas: tuple[str, ...], but_for: tuple[str, ...]) -> None:
    """Each of the betas once, without those that match a pattern."""
    unasked = dropped(betas, but_for)
    headers.pop(BETA_HEADER, None)
    if kept := [beta for beta in dict.fromkeys(betas) if beta not in unasked]:
        headers[BETA_HEADER] = ",".join(kept)


def _is_plain(text: str) -> bool:
    """Visible ASCII and spaces (RFC 9110, 5.5, without what is obsolete): no transport refuses to send it."""
    return text.isascii() and text.isprintable()


def headers_for(
    user_agent: str, own: Mapping[str, str], configured: Mapping[str, str], drop_betas: tuple[str, ...] = ()
) -> httpx.Headers:
    """What every request carries; the configuration has the last word, also on the user agent."""
    headers = httpx.Headers({"content-type": "application/json", "user-agent": user_agent, **own})
    headers.update(dict(configured))
    if drop_betas:
        _ask_for(headers, betas_in(headers.get(BETA_HEADER, "")), drop_betas)
    return headers
