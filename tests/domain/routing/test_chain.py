"""The walk over targets."""

from hypothesis import given
from hypothesis import strategies as st

from domain.failures import ChainMove, FailureKind, UpstreamFailure
from domain.routing.chain import FallbackChain, GiveUp, Try
from domain.routing.targets import Target

LOCAL = Target("local", "qwen3")
CLOUD = Target("cloud", "sonnet")

_targets = st.lists(st.builds(Target, st.text(max_size=3), st.text(max_size=3)), max_size=6)
_kinds = st.lists(st.sampled_from(FailureKind), min_size=6, max_size=6)


def test_targets_are_tried_in_their_order() -> None:
    chain = FallbackChain([LOCAL, CLOUD])

    assert chain.next_step() == Try(LOCAL)
    chain.record(LOCAL, UpstreamFailure(FailureKind.UNREACHABLE, "refused"))
    assert chain.next_step() == Try(CLOUD)


def test_a_request_at_fault_stops_the_walk() -> None:
    chain = FallbackChain([LOCAL, CLOUD])
    chain.next_step()
    fault = UpstreamFailure(FailureKind.REQUEST_FAULT, "bad tools", status=400)
    chain.record(LOCAL, fault)

    step = chain.next_step()

    assert isinstance(step, GiveUp)
    assert [attempt.failure for attempt in step.attempts] == [fault]


def test_an_empty_chain_gives_up_at_once() -> None:
    assert FallbackChain([]).next_step() == GiveUp(())


def test_the_state_of_a_walk_can_be_read() -> None:
    chain = FallbackChain([LOCAL, CLOUD])
    chain.next_step()

    assert repr(chain) == "<FallbackChain walking tried=0 waiting=1>"


def overflow() -> UpstreamFailure:
    return UpstreamFailure(FailureKind.CONTEXT_OVERFLOW, "prompt is too long", status=400)


def test_after_an_overflow_only_larger_or_unknown_windows_are_tried() -> None:
    small, same, large, unknown = (Target(name, "m") for name in ("small", "same", "large", "unknown"))
    middle = Target("middle", "m")
    windows = {small: 4_000, middle: 8_000, same: 8_000, large: 200_000}
    chain = FallbackChain([middle, small, same, unknown, large], windows.get)

    assert chain.next_step() == Try(middle)
    chain.record(middle, overflow())
    assert chain.next_step() == Try(unknown)
    chain.record(unknown, overflow())
    assert chain.next_step() == Try(large)
    chain.record(large, overflow())
    assert isinstance(chain.next_step(), GiveUp)


def test_after_another_failure_smaller_windows_are_tried_as_well() -> None:
    chain = FallbackChain([LOCAL, CLOUD], {LOCAL: 8_000, CLOUD: 4_000}.get)
    chain.next_step()
    chain.record(LOCAL, UpstreamFailure(FailureKind.UNREACHABLE, "refused"))

    assert chain.next_step() == Try(CLOUD)


@given(_targets, _kinds)
def test_each_target_is_tried_at_most_once_and_only_until_a_failure_says_stop(
    targets: list[Target], kinds: list[FailureKind]
) -> None:
    chain = FallbackChain(targets)
    tried: list[Target] = []
    for kind in kinds:
        step = chain.next_step()
        if isinstance(step, GiveUp):
            break
        tried.append(step.target)
        chain.record(step.target, UpstreamFailure(kind, "failed"))

    assert tried == targets[: len(tried)]
    last = chain.attempts[-1].failure if chain.attempts else None
    stopped = last is not None and last.consequence.move is ChainMove.STOP
    assert stopped or tried == targets
    assert isinstance(chain.next_step(), GiveUp)


def test_a_postponed_target_is_tried_after_all_others() -> None:
    chain = FallbackChain([LOCAL, CLOUD])
    chain.next_step()
    chain.postpone(LOCAL)

    assert chain.next_step() == Try(CLOUD)
    assert chain.next_step() == Try(LOCAL)
    assert chain.next_step() == GiveUp(())


def test_a_window_that_is_learned_on_the_way_counts() -> None:
    windows = {CLOUD: 8_000}
    chain = FallbackChain([LOCAL, CLOUD], windows.get)
    chain.next_step()
    windows[LOCAL] = 8_000
    chain.record(LOCAL, overflow())

    assert isinstance(chain.next_step(), GiveUp)
