"""The cast of the end-to-end tests: scripted upstreams, and a configuration that names them in many ways."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tests.upstream.scripted_upstream import HELLO, Script, ScriptedUpstream, refusing_port, served_in_thread

Kind: TypeAlias = Literal["openai_compat", "anthropic"]

KINDS: tuple[Kind, ...] = ("openai_compat", "anthropic")
CHAIN = ("first", "second", "third", "last")
"""The upstreams of a chain, after one that refuses connections."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """
    Upstreams by name, each reachable as a provider of either kind.

    The provider `first-anthropic` asks the upstream `first` in that dialect; the profile `chain-anthropic`
    walks `refused-anthropic`, then one provider for each name of `CHAIN`.
    """

    upstreams: Mapping[str, ScriptedUpstream]
    refusing_port: int

    def __getitem__(self, name: str) -> ScriptedUpstream:
        return self.upstreams[name]

    def plays(self, **scripts: Script) -> None:
        for name, script in scripts.items():
            self[name].plays(script)

    def forget(self) -> None:
        """Every upstream says hello again, and remembers nothing."""
        for upstream in self.upstreams.values():
            upstream.plays(HELLO)
            upstream.requests.clear()

    def providers(self) -> list[dict[str, Any]]:
        ports = {"refused": self.refusing_port, **{name: up.port for name, up in self.upstreams.items()}}
        return [provider(name, kind, port) for name, port in ports.items() for kind in KINDS]

    def config(self, **more: Any) -> dict[str, Any]:
        """The configuration; sections of `more` are added, lists to the lists that are there."""
        chains = [
            {"name": f"chain-{kind}", "providers": [f"{name}-{kind}" for name in ("refused", *CHAIN)]}
            for kind in KINDS
        ]
        default = {"name": "default", "providers": ["first-openai_compat"]}
        base: dict[str, Any] = {"providers": self.providers(), "profiles": [default, *chains]}
        longer = {key: [*base.get(key, ()), *added] for key, added in more.items() if isinstance(added, list)}
        return {**base, **more, **longer}


def provider(name: str, kind: Kind, port: int, **more: Any) -> dict[str, Any]:
    """A provider whose model tells where it is, such as `first-model`."""
    path = "/v1" if kind == "openai_compat" else ""
    return {
        "name": f"{name}-{kind}",
        "kind": kind,
        "base_url": f"http://127.0.0.1:{port}{path}",
        "model": f"{name}-model",
        **more,
    }


@contextmanager
def staged() -> Iterator[Stage]:
    """The upstreams of `CHAIN` at work."""
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(served_in_thread(ScriptedUpstream())) for name in CHAIN}
        yield Stage(upstreams, stack.enter_context(refusing_port()))


def fresh_id() -> str:
    """A request id of the test's own, to find the request's events by."""
    return f"e2e-{next(_numbers)}"
