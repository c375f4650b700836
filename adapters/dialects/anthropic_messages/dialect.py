"""The Anthropic Messages dialect, as docs.anthropic.com/en/api/messages describes it."""

from adapters.dialects.anthropic_messages.errors import encode_error
from adapters.dialects.anthropic_messages.reply import decode_completion, encode_completion
from adapters.dialects.anthropic_messages.request import decode_request, encode_request
from adapters.dialects.anthropic_messages.stream import MessagesStreamDecoder
from adapters.dialects.anthropic_messages.stream_encoder import MessagesStreamEncoder
from adapters.dialects.anthropic_messages.words import NAME
from adapters.dialects.dialect import Dialect
from adapters.dialects.error_bodies import decode_error

ANTHROPIC_MESSAGES = Dialect(
    name=NAME,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_completion=decode_completion,
    encode_completion=encode_completion,
    stream_decoder=MessagesStreamDecoder,
    stream_encoder=MessagesStreamEncoder,
    decode_error=decode_error,
    encode_error=encode_error,
)
