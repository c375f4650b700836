"""The adapter keeps what the gateway relies on; wants ``coderouter-gateway[contract]``."""

from adapters.outbound.authoring import ChatProvider, ProviderKit, ProviderSpec
from adapters.outbound.contract.stage import Scene, Setting
from adapters.outbound.contract.suite import ProviderContract
from app.cli.template.model import Model
from app.cli.template.model_stage import stage


class TestModel(ProviderContract):
    """One test for each promise."""

    def build(self, spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
        return Model(spec, kit)

    def stage(self, scene: Scene) -> Setting | None:
        return stage(scene)
