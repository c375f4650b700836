"""From how a machine is woken in the file to what wakes it."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.schema.provider import Provider
from domain.routing.targets import WakePlan

_EVERYBODY = "255.255.255.255"
_PORT = 9
"""Nobody listens where a packet goes that a sleeping card looks at; 9 is the port to discard (RFC 863)."""

_USUAL_PREFIX = 24
_PORTS = {"http": 80, "https": 443}


def wake_plan(provider: Provider) -> WakePlan | None:
    """How the provider's machine is woken; ``None`` when the file does not say."""
    if provider.wake_on_lan is None or provider.base_url is None:
        return None
    parts = urlsplit(provider.base_url)
    host = parts.hostname or ""
    return WakePlan(
        mac=provider.wake_on_lan.mac,
        ready_within_s=provider.wake_on_lan.ready_within_s,
        host=host,
        port=parts.port or _PORTS[parts.scheme],
        call_at=tuple(_addresses(host, provider.wake_on_lan.broadcast)),
    )


def _addresses(host: str, broadcast: str | None) -> Iterator[tuple[str, int]]:
    if broadcast is not None:
        address, _, port = broadcast.partition(":")
        yield address, int(port or _PORT)
        return
    yield _EVERYBODY, _PORT
    try:
        own = ipaddress.IPv4Address(host)
    except ValueError:
        return
    if own.is_private and not own.is_loopback:
        # A machine in several networks sends what is for everybody into one of them alone.
        network = ipaddress.IPv4Network((own, _USUAL_PREFIX), strict=False)
        yield str(network.broadcast_address), _PORT
