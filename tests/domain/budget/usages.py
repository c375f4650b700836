"""What upstreams may say that an answer took."""

from hypothesis import strategies as st

from domain.conversation.reply import Usage

_COUNTS = st.one_of(st.none(), st.integers(-5, 10_000_000))
USAGES = st.builds(
    Usage,
    input_tokens=_COUNTS,
    output_tokens=_COUNTS,
    cache_read_tokens=_COUNTS,
    cache_creation_tokens=_COUNTS,
)
