"""Reads where a client wishes its request to go."""

from collections.abc import Mapping

from domain.conversation.request import ChatRequest
from domain.routing.selection import Wishes


def wishes_of(request: ChatRequest, headers: Mapping[str, str], session_header: str) -> Wishes:
    """From the body and the routing headers; header names are lower case."""
    return Wishes(
        profile=request.profile,
        profile_header=headers.get("x-coderouter-profile", "").strip(),
        mode_header=headers.get("x-coderouter-mode", "").strip(),
        model=request.model,
        session=headers.get(session_header, "").strip(),
    )
