"""OpenAI's older completions, as llama.cpp, vLLM and others speak them and editors complete code by them."""

from adapters.dialects.dialect import Dialect
from adapters.dialects.error_bodies import decode_error
from adapters.dialects.openai_completions.reading import decode_completion
from adapters.dialects.openai_completions.request import decode_request, encode_request
from adapters.dialects.openai_completions.stream_decoder import CompletionsStreamDecoder
from adapters.dialects.openai_completions.stream_encoder import CompletionsStreamEncoder
from adapters.dialects.openai_completions.wire import NAME
from adapters.dialects.openai_completions.writing import encode_completion
from adapters.dialects.openai_errors import encode_error

OPENAI_COMPLETIONS = Dialect(
    name=NAME,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_completion=decode_completion,
    encode_completion=encode_completion,
    stream_decoder=CompletionsStreamDecoder,
    stream_encoder=CompletionsStreamEncoder,
    decode_error=decode_error,
    encode_error=encode_error,
)
