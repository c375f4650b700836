"""Where an adapter is tried: what it is built from, and what its upstream does in each scene."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import httpx

from domain.routing.targets import ProviderSpec


class Scene(StrEnum):
    """
    What the upstream does.

    Only the first is needed. Without the second, promises about tools are not asked. The others are made from
    the first, by disturbing what comes through the kit's transport; only an adapter that does not ask its
    upstream through it has to play them for itself.
    """

    ANSWERS = "answers"
    """It answers a question in two words or more, and tells how many tokens that took."""

    CALLS_TOOL = "calls-tool"
    """It calls the tool ``look_up`` with a JSON object for arguments."""

    REFUSES = "refuses"
    """It is overloaded, or says no in some other way."""

    BREAKS_OFF = "breaks-off"
    """It begins to answer, and its connection breaks."""

    FALLS_SILENT = "falls-silent"
    """It begins to answer, and never says another word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    What an adapter is built from, for one scene.

    Attributes:
        spec: as a configuration would describe the provider, with its ``options``.
        transport: where requests go that the adapter sends through its kit, such as a `httpx.MockTransport`;
            ``None`` for the network.
        secret: the provider's key.
        repeatable: whether the same question gets the same answer, as it does of an upstream with a script.
    """

    spec: ProviderSpec
    transport: httpx.AsyncBaseTransport | None = None
    secret: str = ""
    repeatable: bool = True


Stage: TypeAlias = Callable[[Scene], Setting | None]
"""The setting of a scene; ``None`` for a scene that it does not play."""
