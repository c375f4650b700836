"""The stage on which the contract suite tries the adapter: what its server would answer."""

import httpx

from adapters.outbound.authoring import ProviderSpec
from adapters.outbound.contract.stage import Scene, Setting

SAID = {Scene.ANSWERS: '{"say": "hello "}\n{"say": "world"}\n{"read": 4, "wrote": 2}\n'}
"""Add `Scene.CALLS_TOOL` once the adapter tells calls of tools."""


def stage(scene: Scene) -> Setting | None:
    """The setting of a scene; the suite makes those that are not played by disturbing the first."""
    if scene not in SAID:
        return None
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=SAID[scene]))
    spec = ProviderSpec(name="model", adapter="model:Model", base_url="http://model.test")
    return Setting(spec=spec, transport=transport)
