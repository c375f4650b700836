"""
Shapes what passes between a client and one target.

Reasoning of OpenAI-compatible providers is the one thing decided here by taste. Their wire language has no
field for it, so a chat client gets it only from a provider that is declared to pass it on; the loss is told.
A dialect with a place for thinking is shown it as soon as the model is known to think, which is what its
clients expect of such a model. Adapters of other kinds mean the thinking that they give.
"""

from collections.abc import Iterable, Iterator

from domain.conversation.request import ChatRequest
from domain.events import Event
from domain.inventory.shaping import CapabilityDegraded, OutputFilterApplied
from domain.repair.output_filters import output_filter
from domain.repair.stages import Dropped, Filtered, Pipeline, Remark, Stage
from domain.repair.thinking import ReasoningDropped
from domain.routing.targets import ProviderSpec

_OPENAI_COMPATIBLE = frozenset({"openai_compat", "embedded"})
_DIALECTS_WITH_THINKING = frozenset({"anthropic_messages", "openai_responses"})
_KINDS_WITH_BLOCKS = frozenset({"anthropic"})
"""Their streams open a block before they say what is in it."""


def reply_pipeline(spec: ProviderSpec, request: ChatRequest) -> Pipeline:
    """What a reply of this provider passes on its way to the client; made anew for each reply."""
    filters = [output_filter(name) for name in spec.output_filters]
    stages: list[Stage] = [*_reasoning(spec, request), *filters]
    return Pipeline(stages, keeps_bytes=not filters or spec.adapter not in _KINDS_WITH_BLOCKS)


def told(remarks: Iterable[Remark], *, request_id: str, provider: str, stream: bool) -> Iterator[Event]:
    """What there is to tell of a reply's shaping: at most one event for all filters, one for each loss."""
    remarks = tuple(remarks)
    filters = tuple(remark.filter for remark in remarks if isinstance(remark, Filtered))
    if filters:
        yield OutputFilterApplied(request_id=request_id, provider=provider, filters=filters, streaming=stream)
    for remark in remarks:
        if isinstance(remark, Dropped):
            yield CapabilityDegraded(
                request_id=request_id, provider=provider, dropped=remark.fields, reason=remark.reason
            )


def _reasoning(spec: ProviderSpec, request: ChatRequest) -> Iterator[Stage]:
    if spec.adapter in _OPENAI_COMPATIBLE and not _shows_reasoning(spec, request):
        yield ReasoningDropped()


def _shows_reasoning(spec: ProviderSpec, request: ChatRequest) -> bool:
    if spec.capabilities.reasoning_passthrough is not None:
        return spec.capabilities.reasoning_passthrough
    return request.dialect in _DIALECTS_WITH_THINKING and spec.capabilities.thinking is True
