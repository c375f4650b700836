"""Asks upstreams whether they are there, and learns the context windows of their models."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from app.use_cases.patience import is_being_cancelled
from app.use_cases.wake_hosts import NOBODY_SLEEPS, Waking
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.probing import ContextWindowLearned, ProbeOutcomeChanged
from domain.ports.observation import EventSink
from domain.ports.providers import ProbeProvider, ProviderDirectory
from domain.routing.targets import Locality, ProviderSpec, RoutingTable, Target

_PATIENCE_S = 10.0
"""How long an upstream may take to answer a probe."""

_LOOKS_AGAIN_S = 60.0
"""How long one waits that was not there when it was asked for its windows."""

_ERROR_LENGTH = 200


class ProbeListener(Protocol):
    """Learns what probes find. Never waits and never raises."""

    def probed(self, provider: str, failure: UpstreamFailure | None) -> None:
        """A provider has answered a probe, or failed to."""
        ...


class ProbeProviders:
    """
    Probes in the background.

    Whoever runs at home or in its network is asked once for the windows of its models, and again every
    minute until it answers; whoever has a ``probe`` in the configuration is asked at that interval for as
    long as the gateway runs. Nobody else is asked: a cloud need not know when nobody uses it.
    """

    def __init__(
        self,
        table: RoutingTable,
        directory: ProviderDirectory,
        sink: EventSink,
        listeners: Sequence[ProbeListener] = (),
        waking: Waking = NOBODY_SLEEPS,
    ) -> None:
        self._table = table
        self._directory = directory
        self._sink = sink
        self._listeners = tuple(listeners)
        self._waking = waking
        self._reachable: dict[str, bool] = {}
        self._probes = dict(_probes(table.providers, directory))

    def __repr__(self) -> str:
        return f"<ProbeProviders {', '.join(self._probes) or 'nobody'}>"

    @property
    def names(self) -> Collection[str]:
        """Who may be asked."""
        return self._probes.keys()

    async def run(self) -> None:
        """Until it is cancelled, or there is nothing more to ask."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._probes:
                tasks.create_task(self._keep_asking(name))

    async def ask(self, name: str) -> bool:
        """One probe, and what follows from it; whether the provider is there."""
        failure = self._waking.probed(name, await self._asked(name))
        for listener in self._listeners:
            listener.probed(name, failure)
        reachable = failure is None
        if self._reachable.get(name) is not reachable:
            self._reachable[name] = reachable
            error = "" if failure is None else failure.message[:_ERROR_LENGTH]
            self._sink.emit(ProbeOutcomeChanged(provider=name, reachable=reachable, error=error))
        return reachable

    async def _keep_asking(self, name: str) -> None:
        plan = self._table.providers[name].probe
        while True:
            reachable = await self.ask(name)
            if plan is not None:
                await asyncio.sleep(plan.interval_s)
            elif reachable:
                return
            else:
                await asyncio.sleep(_LOOKS_AGAIN_S)

    async def _asked(self, name: str) -> UpstreamFailure | None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                probed = await self._probes[name].probe()
        except UpstreamFailure as failure:
            return failure
        except TimeoutError:
            return UpstreamFailure(FailureKind.SLOW, f"no answer to a probe within {_PATIENCE_S:g} s")
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if is_being_cancelled(error):
                raise
            return UpstreamFailure(FailureKind.ADAPTER_FAULT, f"{type(error).__name__}: {error}")
        self._learn(name, probed.windows)
        return None

    def _learn(self, name: str, windows: Mapping[str, int]) -> None:
        for model, tokens in windows.items():
            if self._table.context_windows.learn(Target(name, model), tokens) and self._uses(name, model):
                self._sink.emit(ContextWindowLearned(provider=name, model=model, tokens=tokens))

    def _uses(self, name: str, model: str) -> bool:
        """A server may list many models; those that nobody asks for are nobody's news."""
        return self._table.providers[name].model == model


def probed_names(table: RoutingTable, directory: ProviderDirectory) -> frozenset[str]:
    """The providers that `ProbeProviders` may ask."""
    return frozenset(name for name, _ in _probes(table.providers, directory))


def _probes(
    providers: Mapping[str, ProviderSpec], directory: ProviderDirectory
) -> list[tuple[str, ProbeProvider]]:
    return [
        (name, provider)
        for name, provider in directory.providers.items()
        if isinstance(provider, ProbeProvider) and _is_asked(providers[name])
    ]


def _is_asked(spec: ProviderSpec) -> bool:
    return spec.probe is not None or spec.locality in (Locality.LOCAL, Locality.LAN)
