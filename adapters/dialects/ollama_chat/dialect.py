"""The dialect of Ollama's ``/api/chat``, as github.com/ollama/ollama/blob/main/docs/api.md describes it."""

from adapters.dialects.dialect import OutboundDialect
from adapters.dialects.error_bodies import decode_error
from adapters.dialects.ollama_chat.reply import decode_completion
from adapters.dialects.ollama_chat.request import encode_request
from adapters.dialects.ollama_chat.stream_decoder import OllamaStreamDecoder
from adapters.dialects.ollama_chat.wire import NAME

OLLAMA_CHAT = OutboundDialect(
    name=NAME,
    encode_request=encode_request,
    decode_completion=decode_completion,
    stream_decoder=OllamaStreamDecoder,
    decode_error=decode_error,
)
