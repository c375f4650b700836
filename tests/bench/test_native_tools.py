"""The load generator tells right answers from wrong ones, whoever gives them."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.bodies import request_body
from bench.native_tools import LoadResult, NativeTools, build, run_load, running_upstream
from bench.scenarios import BURST, SCENARIOS, Scenario
from tests.upstream.behaviours import Answer, Behaviour, CutAfter, Status
from tests.upstream.scripted_upstream import ScriptedUpstream, served_in_thread

pytestmark = pytest.mark.slow

CHAT = SCENARIOS[0]
STREAM = replace(CHAT, name="stream", answer=replace(BURST, stamps=3), connections=1, requests=1)


@pytest.fixture(scope="module")
def tools() -> NativeTools:
    return build()


def stamped(*numbers: int) -> Answer:
    return Answer.text(" ".join(f"@{number:04d}:{0:016d}" for number in numbers))


def load(tools: NativeTools, scenario: Scenario, port: int, folder: Path) -> LoadResult:
    body = folder / "body.json"
    body.write_bytes(request_body(scenario))
    return run_load(tools, scenario, port=port, body=body, headers={}, seconds=0.1)


def judged(tools: NativeTools, behaviour: Behaviour, folder: Path) -> LoadResult:
    with served_in_thread(ScriptedUpstream(behaviour)) as upstream:
        return load(tools, STREAM, upstream.port, folder)


def test_a_complete_stream_in_order_is_right(tools: NativeTools, tmp_path: Path) -> None:
    found = judged(tools, stamped(1, 2, 3), tmp_path)

    assert (found.right, found.faults, found.stamps) == (1, 0, 3)


def test_a_stamp_may_be_cut_anywhere(tools: NativeTools, tmp_path: Path) -> None:
    whole = b"data: @0001:0000000000000000 @@0002:0000000000000000 @0003:0000000000000000\n\ndata: [DONE]\n\n"
    pieces = [whole[at : at + 1] for at in range(len(whole))]

    assert judged(tools, Answer.raw(*pieces), tmp_path).right == 1


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (stamped(1, 2), "2 stamps"),
        (stamped(1, 3, 2), "stamps out of order"),
        (stamped(1, 2, 3, 4), "4 stamps"),
        (Answer.raw(b"@0001:0000000000000000 @0002:0000000000000000 @0003:0000000000000000"), "3 stamps"),
        (Status(500), "status 500"),
    ],
    ids=["lost", "reordered", "repeated", "without its end", "refused"],
)
def test_a_wrong_answer_is_counted_and_described(
    behaviour: Behaviour, problem: str, tools: NativeTools, tmp_path: Path
) -> None:
    found = judged(tools, behaviour, tmp_path)

    assert (found.right, found.wrong) == (0, 1)
    assert problem in found.first_problem


def test_a_cut_connection_is_a_failure(tools: NativeTools, tmp_path: Path) -> None:
    found = judged(tools, CutAfter(events=3, answer=stamped(1, 2, 3)), tmp_path)

    assert (found.right, found.failed) == (0, 1)
    assert "closed in the middle" in found.first_problem


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_upstream_answers_every_scenario(scenario: Scenario, tools: NativeTools, tmp_path: Path) -> None:
    few = replace(scenario, connections=4, requests=8)
    with running_upstream(tools) as upstream:
        found = load(tools, few, upstream.port, tmp_path)

    assert (found.right, found.faults) == (8, 0)
    assert found.stamps == 8 * scenario.answer.stamps


def test_bodies_have_the_size_they_are_named_for() -> None:
    sizes = {scenario.name: len(request_body(scenario)) for scenario in SCENARIOS}

    assert 900 < sizes["chat"] < 1_200
    assert 95_000 < sizes["agent-same"] < 110_000
