"""What every test shares: how hypothesis behaves, and the markers that folders imply."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

MARKED_FOLDERS = {"e2e": "e2e", "live": "live", "clients": "clients", "image": "image", "soak": "soak"}
"""A test in one of these folders carries the marker without saying so."""

# A busy machine is no failure: time is bounded by pytest-timeout, and slowness is measured in bench/.
settings.register_profile(
    "default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        for folder in item.path.relative_to(here).parts[:-1]:
            if marker := MARKED_FOLDERS.get(folder):
                item.add_marker(marker)
