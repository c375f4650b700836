"""OpenAI Chat Completions, as OpenAI documents it and as llama.cpp, vLLM, Ollama and others speak it."""

from adapters.dialects.dialect import Dialect
from adapters.dialects.error_bodies import decode_error
from adapters.dialects.openai_chat.reply import decode_completion, encode_completion
from adapters.dialects.openai_chat.request import decode_request, encode_request
from adapters.dialects.openai_chat.stream_decoder import ChatStreamDecoder
from adapters.dialects.openai_chat.stream_encoder import ChatStreamEncoder
from adapters.dialects.openai_chat.wire import NAME
from adapters.dialects.openai_errors import encode_error

OPENAI_CHAT = Dialect(
    name=NAME,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_completion=decode_completion,
    encode_completion=encode_completion,
    stream_decoder=ChatStreamDecoder,
    stream_encoder=ChatStreamEncoder,
    decode_error=decode_error,
    encode_error=encode_error,
)
