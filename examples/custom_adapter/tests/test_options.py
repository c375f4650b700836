"""What a configuration may say of a lab, and what it may not."""

import pytest

from acme_lab.model import LabOptions
from adapters.outbound.authoring import OptionsRefused, ProviderSpec, options_as


def described(**options: object) -> ProviderSpec:
    return ProviderSpec(name="lab", adapter="acme-lab", options=options)


def test_a_room_is_all_that_is_needed() -> None:
    assert options_as(LabOptions, described(room="green")) == LabOptions(room="green")


@pytest.mark.parametrize("options", [{}, {"room": 7}, {"room": "green", "floor": 3}])
def test_anything_else_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionsRefused):
        options_as(LabOptions, described(**options))
