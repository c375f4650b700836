"""Reads who asks, and where it wishes its request to go."""

from collections.abc import Mapping

from domain.access.keys import ANYBODY, Caller
from domain.conversation.request import ChatRequest
from domain.routing.selection import Wishes


def wishes_of(
    request: ChatRequest, headers: Mapping[str, str], session_header: str, caller: Caller = ANYBODY
) -> Wishes:
    """From the body and the routing headers; header names are lower case."""
    session = headers.get(session_header, "").strip()
    return wishes_said(headers, model=request.model, profile=request.profile, session=session, caller=caller)


def wishes_said(
    headers: Mapping[str, str],
    *,
    model: str,
    profile: str | None,
    session: str = "",
    caller: Caller = ANYBODY,
) -> Wishes:
    """From the routing headers, and what was read of the body."""
    return Wishes(
        profile=profile,
        profile_header=headers.get("x-coderouter-profile", "").strip(),
        mode_header=headers.get("x-coderouter-mode", "").strip(),
        model=model,
        session=session,
        priority=headers.get("x-coderouter-priority", "").strip().lower(),
        caller=caller,
    )
