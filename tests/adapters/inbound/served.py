"""An application for a real server: providers that never finish, and a page that tells of them."""

import json
from typing import cast

from litestar import Litestar, Response, get

from domain.inventory.level import Level
from tests.adapters.inbound.gateway import BEGINNING, gateway
from tests.fakes.scripted_provider import Silence

HOUSE = gateway(local=[[BEGINNING, Silence()]], cloud=[[Silence()]], default=["cloud"])


@get("/told", sync_to_thread=False)
def told() -> Response[bytes]:
    """What the providers and the events have to say."""
    calls = [played for provider in HOUSE.providers.values() for played in provider.calls]
    story = {
        "asked": len(calls),
        "ended": sum(played.ended.is_set() for played in calls),
        "errors": [event.name for event in HOUSE.sink.events if event.level is Level.ERROR],
        "outcomes": [event.outcome for event in HOUSE.completions],
    }
    return Response(json.dumps(story).encode(), media_type="application/json")


app = cast("Litestar", HOUSE.app)
app.register(told)
