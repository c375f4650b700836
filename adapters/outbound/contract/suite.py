"""
The contract of adapters as a test class for pytest; wants the extra ``coderouter-gateway[contract]``.

An author subclasses `ProviderContract`::

    class TestLabModel(ProviderContract):
        def build(self, spec, kit):
            return LabModel(spec, kit)

        def stage(self, scene):
            return Setting(spec=ProviderSpec(name="lab", adapter="lab:LabModel"), transport=...)
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NoReturn

import pytest

from adapters.outbound.contract.promises import PROMISES, judge
from adapters.outbound.contract.stage import Scene, Setting
from adapters.outbound.contract.trial import Trial
from adapters.outbound.contract.verdicts import Broken, Promise, Unasked
from adapters.outbound.kit import ProviderKit
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec


class ProviderContract:
    """
    One test for each promise; a promise that the stage has no scene for is skipped, and says so.

    Attributes:
        excused: promises that this adapter does not make, by name, each with the reason.
        patience_s: how long each promise may take to be kept.
    """

    excused: ClassVar[Mapping[str, str]] = MappingProxyType({})
    patience_s: ClassVar[float] = 30.0

    def build(self, spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:  # noqa: ARG002
        """The adapter: what its factory builds."""
        self._lacks("build(self, spec, kit)", "returns the adapter")

    def stage(self, scene: Scene) -> Setting | None:  # noqa: ARG002
        """What it is built from for a scene; ``None`` for a scene that this stage does not play."""
        self._lacks("stage(self, scene)", "returns a Setting, or None for scenes that are not played")

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
    def test_it_keeps_its_promise(self, promise: Promise) -> None:
        if promise.name in self.excused:
            pytest.skip(f"excused: {self.excused[promise.name]}")
        trial = Trial(build=self.build, stage=self.stage, patience_s=self.patience_s)
        match asyncio.run(judge(promise, trial)):
            case Broken(seen):
                pytest.fail(f"Promised: {promise.words}\nSeen: {seen}", pytrace=False)
            case Unasked(reason):
                pytest.skip(f"not asked: {reason}")
            case _:
                pass

    def _lacks(self, method: str, purpose: str) -> NoReturn:
        """No abstract methods: pytest passes classes that have some over in silence."""
        pytest.fail(f"{type(self).__name__} has to define `{method}`, which {purpose}", pytrace=False)
