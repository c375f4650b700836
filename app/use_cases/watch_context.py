"""Warns when an answer was given to less than was asked."""

from app.use_cases.continuing import AnyReply
from domain.conversation.reply import Usage
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.inventory.tokens import ContextTruncationSuspected
from domain.ports.observation import EventSink
from domain.ports.tokens import TokenCounter
from domain.tokens.request import request_tokens
from domain.tokens.truncation import is_full_window, is_truncation_suspected


class WatchContext:
    """Compares what upstreams say they have read with what they were sent; counts only if it may matter."""

    def __init__(self, counter: TokenCounter, sink: EventSink) -> None:
        self._counter = counter
        self._sink = sink

    def __repr__(self) -> str:
        return f"<WatchContext by {self._counter!r}>"

    def look(self, request: ChatRequest, reply: AnyReply) -> None:
        """At an answer that is over. Never raises."""
        prompt_tokens = _prompt_tokens(reply.usage)
        if not is_full_window(prompt_tokens):
            return
        try:
            conversation = request.conversation
        except MalformedRequest:  # the upstream made sense of what we cannot read
            return
        estimated = request_tokens(conversation, self._counter.count)
        if is_truncation_suspected(prompt_tokens, estimated):
            self._sink.emit(
                ContextTruncationSuspected(
                    request_id=reply.facts.request_id,
                    provider=reply.facts.target.provider,
                    model=reply.model,
                    prompt_tokens=prompt_tokens,
                    estimated_tokens=estimated,
                )
            )


def _prompt_tokens(usage: Usage | None) -> int:
    if usage is None:
        return 0
    return (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
