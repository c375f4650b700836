"""The adapter keeps what the gateway relies on."""

from acme_lab.model import LabModel
from acme_lab.stage import stage
from adapters.outbound.authoring import ChatProvider, ProviderKit, ProviderSpec
from adapters.outbound.contract.stage import Scene, Setting
from adapters.outbound.contract.suite import ProviderContract


class TestLabModel(ProviderContract):
    """One test for each promise."""

    def build(self, spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
        return LabModel(spec, kit)

    def stage(self, scene: Scene) -> Setting | None:
        return stage(scene)
