"""Machines of the network: calling those that sleep, and finding out whether they are there."""

from typing import Protocol

from domain.routing.targets import WakePlan


class CallFailed(Exception):
    """The packet could not be sent; the message says why, in words fit for a log."""


class Hosts(Protocol):
    """The machines that providers run on."""

    async def call(self, plan: WakePlan) -> None:
        """
        Sends a machine the packet that wakes it, which costs nothing and is never answered.

        Raises:
            CallFailed: it could not be sent to all addresses.
        """
        ...

    async def answers(self, plan: WakePlan, within_s: float) -> bool:
        """
        Whether a connection to the provider can be made, tried again and again for so long, at least once.

        Asks nothing and sends nothing. Never raises.
        """
        ...
