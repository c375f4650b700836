"""How a machine is woken comes from the file, and where the packet goes from its address."""

import pytest

from config.load import load_text
from config.translate import routing_table
from domain.routing.targets import WakePlan

EVERYBODY = ("255.255.255.255", 9)


def woken(base_url: str, wake: str) -> WakePlan:
    text = (
        f"providers:\n  - name: a\n    base_url: {base_url}\n    model: m\n    wake_on_lan: {wake}\n"
        "profiles:\n  - name: default\n    providers: [a]\n"
    )
    plan = routing_table(load_text(text)).providers["a"].wake
    assert plan is not None
    return plan


@pytest.mark.parametrize("mac", ["A8-A1-59-3C-07-E2", "a8a1593c07e2", "a8:a1:59:3c:07:e2"])
def test_a_card_may_be_written_in_any_of_the_usual_ways(mac: str) -> None:
    assert woken("http://desktop:8080/v1", f'{{mac: "{mac}"}}') == WakePlan(
        mac="a8:a1:59:3c:07:e2", ready_within_s=60.0, host="desktop", port=8080, call_at=(EVERYBODY,)
    )


@pytest.mark.parametrize(
    ("base_url", "call_at"),
    [
        ("http://192.168.7.20:8080/v1", (EVERYBODY, ("192.168.7.255", 9))),
        ("http://127.0.0.1:8080/v1", (EVERYBODY,)),
        ("http://[fd00::7]:8080/v1", (EVERYBODY,)),
    ],
)
def test_the_packet_goes_to_everybody_and_to_the_providers_network(
    base_url: str, call_at: tuple[tuple[str, int], ...]
) -> None:
    assert woken(base_url, '{mac: "a8a1593c07e2"}').call_at == call_at


def test_a_broadcast_that_is_named_is_the_only_one() -> None:
    plan = woken("https://192.168.7.20/v1", '{mac: "a8a1593c07e2", broadcast: "10.1.255.255:7"}')

    assert (plan.port, plan.call_at) == (443, (("10.1.255.255", 7),))
