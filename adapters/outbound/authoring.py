"""
Everything that the author of an adapter may import; what stands here stays as it is.

Elsewhere a name is imported from the module that defines it. Here names of many modules stand together, so
that those modules may move without breaking anybody's adapter. ``docs/write-an-adapter.md`` explains them.
"""

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.answers import answer_to
from adapters.outbound.anthropic import anthropic
from adapters.outbound.http_provider import http_provider
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from adapters.outbound.options import OptionsRefused, options_as
from domain.conversation.extensions import Json
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.conversation.request import (
    AnswerSchema,
    ChatRequest,
    Conversation,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolUse,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import (
    ChatProvider,
    EmbeddingCall,
    EmbeddingProvider,
    Embeddings,
    Probed,
    ProbeProvider,
    ProviderCall,
    TokenCountProvider,
)
from domain.routing.targets import ProviderSpec

__all__ = [
    # what an adapter is, and what it is made from
    "ProviderFactory",
    "ProviderSpec",
    "ProviderKit",
    "ChatProvider",
    "EmbeddingProvider",
    "TokenCountProvider",
    "ProbeProvider",
    "options_as",
    "OptionsRefused",
    # what it is asked
    "ProviderCall",
    "EmbeddingCall",
    "ChatRequest",
    "Conversation",
    "Message",
    "Role",
    "Part",
    "Text",
    "Image",
    "Document",
    "InlineData",
    "Link",
    "FileReference",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "Refusal",
    "ForeignPart",
    "Tool",
    "ForeignTool",
    "ToolChoice",
    "ToolUse",
    "Sampling",
    "AnswerSchema",
    "Json",
    # what it answers
    "Batch",
    "ReplyEvent",
    "ReplyStarted",
    "TextDelta",
    "ThinkingDelta",
    "ThinkingSigned",
    "RedactedThinking",
    "RefusalDelta",
    "ToolCallStarted",
    "ToolCallDelta",
    "PartEnded",
    "UsageReported",
    "Usage",
    "Finished",
    "StopReason",
    "Embeddings",
    "Probed",
    # how it fails
    "UpstreamFailure",
    "FailureKind",
    "MalformedRequest",
    # what helps it to speak over HTTP
    "answer_to",
    "http_provider",
    "Quirks",
    "OPENAI_CHAT",
    "ANTHROPIC_MESSAGES",
    "OLLAMA_CHAT",
    "openai_compatible",
    "anthropic",
    "ollama",
]
