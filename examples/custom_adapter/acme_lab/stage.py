"""The stage on which the contract suite tries the adapter: the toy answers, without a network."""

import json

import httpx

from acme_lab.toy import answer
from adapters.outbound.authoring import ProviderSpec
from adapters.outbound.contract.stage import Scene, Setting

PLAYED = (Scene.ANSWERS, Scene.CALLS_TOOL)
"""The suite makes the other scenes from the first, by disturbing the connection."""


def stage(scene: Scene) -> Setting | None:
    """The setting of each scene, for ``coderouter adapter test acme-lab --stage acme_lab.stage:stage``."""
    if scene not in PLAYED:
        return None
    spec = ProviderSpec(
        name="lab",
        adapter="acme-lab",
        base_url="http://lab.test",
        model="lab-7",
        options={"room": "green"},
    )
    return Setting(spec=spec, transport=httpx.MockTransport(_answered), secret="key-of-the-lab")


def _answered(request: httpx.Request) -> httpx.Response:
    lines = "".join(json.dumps(line) + "\n" for line in answer(json.loads(request.content)))
    return httpx.Response(200, text=lines)
