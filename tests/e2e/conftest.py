"""One stage and one gateway for most tests: starting a process takes longer than asking it."""

import time
from collections.abc import Iterator

import pytest

from tests.e2e.clients import forgive
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, staged

KEY = "sk-planted-key-of-the-provider-0123456789"
DAY_S = 86_400.0
LONGER_THAN_A_TEST_S = 60.0


@pytest.fixture(autouse=True)
def one_day() -> None:
    """Lets no test begin just before midnight in UTC: what it spends and what it reads are of one month."""
    left_s = DAY_S - time.time() % DAY_S
    if left_s < LONGER_THAN_A_TEST_S:
        time.sleep(left_s + 0.1)


@pytest.fixture(scope="session")
def whole_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage) -> Stage:
    """Scripted upstreams that have seen nothing yet."""
    whole_stage.forget()
    return whole_stage


@pytest.fixture
def gateway(whole_gateway: Gateway) -> Gateway:
    """A gateway over the whole stage that holds nothing against anybody."""
    forgive(whole_gateway)
    return whole_gateway


@pytest.fixture(scope="session")
def whole_gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("gateway"), whole_stage.config()) as gateway:
        yield gateway
