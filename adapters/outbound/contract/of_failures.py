"""What is promised of an adapter whose upstream is in trouble."""

from adapters.outbound.contract.observed_transport import (
    Disturbance,
    Ending,
    answering_with,
    ending,
    unreachable,
)
from adapters.outbound.contract.questions import question
from adapters.outbound.contract.stage import Scene
from adapters.outbound.contract.trial import BrokenPromise, Heard, Trial, in_words
from adapters.outbound.contract.verdicts import Promise
from domain.failures import FailureKind, UpstreamFailure

_OVERLOADED = answering_with(503, b'{"error": {"message": "overloaded"}}', "application/json")
_NONSENSE = (
    answering_with(200, b"<html><body>Log in to the guest network</body></html>", "text/html"),
    answering_with(200, b"", "application/json"),
    answering_with(200, b"\xff\xfe[[[{", "text/event-stream"),
)
_BOTH_MANNERS = (True, False)


async def _fails_when_nobody_is_there(trial: Trial) -> None:
    await _require_failures(trial, unreachable)


async def _fails_when_refused(trial: Trial) -> None:
    for stream in _BOTH_MANNERS:
        async with trial.troubled(Scene.REFUSES, _OVERLOADED) as opened:
            require_failure(await opened.heard(question(opened.setting, stream=stream)))


async def _asks_once(trial: Trial) -> None:
    async with trial.opened(Scene.ANSWERS, _OVERLOADED) as opened:
        await opened.heard(question(opened.setting))
        opened.require_use_of_transport()
        if opened.transport.asked > 1:
            raise BrokenPromise(
                f"it asked {opened.transport.asked} times; who is asked next is not its affair"
            )


async def _takes_nonsense_for_failure(trial: Trial) -> None:
    for nonsense in _NONSENSE:
        for stream in _BOTH_MANNERS:
            heard = await _heard_through(trial, nonsense, stream=stream)
            if heard.failure is not None:
                require_failure(heard)
            else:
                heard.whole()


async def _breaks_off_as_failure(trial: Trial) -> None:
    for how in (Ending.RESET, Ending.CLOSED):
        for stream in _BOTH_MANNERS:
            async with trial.troubled(Scene.BREAKS_OFF, ending(how)) as opened:
                heard = await opened.heard(question(opened.setting, stream=stream))
            _require_break(heard, how)


def _require_break(heard: Heard, how: Ending) -> None:
    """Whoever had said everything when the connection broke has broken nothing off."""
    if heard.failure is None and not heard.disorder and not heard.incompleteness:
        return
    if heard.failure is None and not heard.disorder:
        raise BrokenPromise(f"{how.value} in the midst, and the generator ended as if the answer were whole")
    require_failure(heard)


async def _require_failures(trial: Trial, disturbance: Disturbance) -> None:
    for stream in _BOTH_MANNERS:
        require_failure(await _heard_through(trial, disturbance, stream=stream))


async def _heard_through(trial: Trial, disturbance: Disturbance, *, stream: bool) -> Heard:
    async with trial.opened(Scene.ANSWERS, disturbance) as opened:
        heard = await opened.heard(question(opened.setting, stream=stream))
        opened.require_use_of_transport()
    return heard


def require_failure(heard: Heard) -> None:
    """
    Raises:
        BrokenPromise: the answer did not end by an `UpstreamFailure` that says what happened.
    """
    if heard.disorder:
        raise BrokenPromise(f"it yielded {heard.disorder}")
    if heard.failure is None:
        raise BrokenPromise(f"it raised no UpstreamFailure; it answered {heard.text[:60]!r}")
    if not isinstance(heard.failure, UpstreamFailure):
        raise BrokenPromise(f"it held the client's request to be at fault: {in_words(heard.failure)}")
    if heard.failure.kind is FailureKind.ADAPTER_FAULT:
        raise BrokenPromise(f"it raised no UpstreamFailure of the upstream's: {in_words(heard.failure)}")


OF_FAILURES = (
    Promise(
        "fails-when-nobody-is-there",
        "An upstream that cannot be reached is an UpstreamFailure.",
        _fails_when_nobody_is_there,
    ),
    Promise("fails-when-refused", "A refusal of the upstream is an UpstreamFailure.", _fails_when_refused),
    Promise("asks-once", "It does not ask again by itself: who is asked next is the gateway's.", _asks_once),
    Promise(
        "takes-nonsense-for-failure",
        "An answer that makes no sense is the upstream's failure, not a crash of the adapter.",
        _takes_nonsense_for_failure,
    ),
    Promise(
        "breaks-off-as-failure",
        "An answer that stops short of its end is an UpstreamFailure, never an end.",
        _breaks_off_as_failure,
    ),
)
"""The promises of bad days."""
