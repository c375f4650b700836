"""Walks a plan's chain until one target gives what is asked of it, and tells of each step."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.use_cases.attempts import TargetPostponed, TargetRefused
from app.use_cases.plan import Plan
from app.use_cases.plan_events import blocked, refusals
from domain.events import AttemptFailed, ChainUniformAuthFailure, FallbackOccurred
from domain.failures import ChainMove, UpstreamFailure
from domain.ports.observation import EventSink
from domain.routing.chain import Attempt, FallbackChain, GiveUp, Try
from domain.routing.gates import Barred
from domain.routing.targets import RoutingTable, Target
from domain.routing.verdict import ChainFailed, Walk, verdict

Gained = TypeVar("Gained")

_ERROR_LENGTH = 500
"""Characters of an upstream's words that an event keeps."""


class Walking:
    """
    Tries the targets of one plan for one request.

    Args:
        left_alone: of targets that failed, those that may not be tried any more.
    """

    def __init__(
        self,
        table: RoutingTable,
        plan: Plan,
        request_id: str,
        sink: EventSink,
        left_alone: Callable[[Sequence[Target]], tuple[Barred, ...]],
    ) -> None:
        self._table = table
        self._plan = plan
        self._request_id = request_id
        self._sink = sink
        self._left_alone = left_alone
        self._refused: list[Barred] = []
        self._postponed: set[Target] = set()

    def __repr__(self) -> str:
        return f"<Walking for {self._request_id} through {self._plan.profile.name}>"

    async def first(self, attempt: Callable[[Target, tuple[Attempt, ...]], Awaitable[Gained]]) -> Gained:
        """
        What the first target gives that neither fails nor is refused; ``attempt`` is told what failed before.

        Raises:
            ChainFailed: no target could.
            Exception: whatever ``attempt`` raises beside `UpstreamFailure`, `TargetRefused` and
                `TargetPostponed`.
        """
        chain = FallbackChain(self._plan.order, self._table.window_of)
        while True:
            match chain.next_step():
                case Try(target=target):
                    self._tell_of_move(chain.attempts, target)
                    try:
                        return await attempt(target, chain.attempts)
                    except UpstreamFailure as failure:
                        chain.record(target, failure)
                        self.tell_of_failure(target, failure)
                    except TargetRefused as refused:
                        self._note_refusal(refused.barred)
                    except TargetPostponed:
                        chain.postpone(target)
                        self._postponed.add(target)
                case GiveUp(attempts=attempts):
                    self._tell_of_uniform_refusal(attempts)
                    self._tell_of_refusals(attempts)
                    barred = (*self._plan.barred, *self._refused)
                    paused = self._left_alone([attempt.target for attempt in attempts])
                    walk = Walk(
                        profile=self._plan.profile.name, attempts=attempts, barred=barred, paused=paused
                    )
                    raise ChainFailed(verdict(walk), attempts)

    def trial_s(self, target: Target) -> float | None:
        """Within what the first content is due of a target on trial; ``None`` for one that is not."""
        if target in self._postponed:
            return None
        return next((one.standing.trial_s for one in self._plan.ranked if one.target == target), None)

    def tell_of_failure(self, target: Target, failure: UpstreamFailure) -> None:
        failed = AttemptFailed(
            request_id=self._request_id,
            provider=target.provider,
            model=target.model,
            failure=failure.kind,
            status=failure.status,
            retryable=failure.consequence.move is not ChainMove.STOP,
            error=failure.message[:_ERROR_LENGTH],
        )
        self._sink.emit(failed)

    def _note_refusal(self, barred: Barred) -> None:
        self._refused.append(barred)
        for event in refusals((barred,), profile=self._plan.profile.name, request_id=self._request_id):
            self._sink.emit(event)

    def _tell_of_refusals(self, attempts: tuple[Attempt, ...]) -> None:
        """Refusals at the last moment may leave nothing of a chain, as those of the plan may."""
        if attempts or not self._refused:
            return
        profile = self._plan.profile.name
        for event in blocked(self._refused, profile=profile, request_id=self._request_id):
            self._sink.emit(event)

    def _tell_of_move(self, failed: tuple[Attempt, ...], target: Target) -> None:
        if not failed:
            return
        moved = FallbackOccurred(
            request_id=self._request_id,
            profile=self._plan.profile.name,
            from_provider=failed[-1].target.provider,
            to_provider=target.provider,
            reason=failed[-1].failure.kind,
        )
        self._sink.emit(moved)

    def _tell_of_uniform_refusal(self, attempts: tuple[Attempt, ...]) -> None:
        statuses = {attempt.failure.status for attempt in attempts}
        if len(attempts) != len(self._plan.order) or statuses not in ({401}, {403}):
            return
        event = ChainUniformAuthFailure(
            request_id=self._request_id,
            profile=self._plan.profile.name,
            status=statuses.pop() or 0,
            count=len(attempts),
            providers=tuple(attempt.target.provider for attempt in attempts),
        )
        self._sink.emit(event)
