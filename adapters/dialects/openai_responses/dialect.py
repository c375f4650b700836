"""OpenAI Responses as one value: as OpenAI documents it, and as Codex and the official SDKs speak it."""

from adapters.dialects.dialect import Dialect
from adapters.dialects.error_bodies import decode_error
from adapters.dialects.openai_errors import encode_error
from adapters.dialects.openai_responses.reply import decode_completion, encode_completion
from adapters.dialects.openai_responses.request import decode_request, encode_request
from adapters.dialects.openai_responses.stream_decoder import ResponsesStreamDecoder
from adapters.dialects.openai_responses.stream_encoder import ResponsesStreamEncoder
from adapters.dialects.openai_responses.words import NAME

OPENAI_RESPONSES = Dialect(
    name=NAME,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_completion=decode_completion,
    encode_completion=encode_completion,
    stream_decoder=ResponsesStreamDecoder,
    stream_encoder=ResponsesStreamEncoder,
    decode_error=decode_error,
    encode_error=encode_error,
)
