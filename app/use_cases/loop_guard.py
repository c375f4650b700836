"""Keeps a model from making the same calls over and over, as far as the profile wants it."""

from dataclasses import replace

from app.use_cases.plan import Plan
from domain.conversation.request import ChatRequest
from domain.guards.tool_loop import HINT, LoopAction, ToolLoop, ToolLoopBroken, tool_loop_of
from domain.inventory.guards import ToolLoopDetected
from domain.ports.observation import EventSink
from domain.routing.targets import Profile


def guarded(plan: Plan, request: ChatRequest, request_id: str, sink: EventSink) -> Plan:
    """
    The plan, with a hint for the model if it is in a loop and the profile wants that.

    Raises:
        ToolLoopBroken: it is in a loop, and the profile ends such runs.
    """
    policy = plan.profile.tool_loop
    loop = tool_loop_of(request, policy)
    if loop is None:
        return plan
    sink.emit(_detected(loop, plan.profile, request_id))
    match policy.action:
        case LoopAction.BREAK:
            raise ToolLoopBroken(loop, plan.profile.name)
        case LoopAction.INJECT:
            return replace(plan, hint=HINT)
        case LoopAction.WARN:
            return plan


def _detected(loop: ToolLoop, profile: Profile, request_id: str) -> ToolLoopDetected:
    policy = profile.tool_loop
    return ToolLoopDetected(
        request_id=request_id,
        profile=profile.name,
        tool_name=loop.tool_name,
        repeat_count=loop.repeat_count,
        period=loop.period,
        threshold=policy.threshold,
        window=policy.window,
        action=policy.action,
    )
