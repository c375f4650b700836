"""An upstream that says it is still there is waited for, as long as it keeps saying so."""

from collections.abc import Iterator

import pytest

from tests.e2e.clients import ClientDialect, ask, is_terminated
from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, provider
from tests.upstream.behaviours import Raw

COMMENTS = (b": OPENROUTER PROCESSING\n\n",) * 8


def chunk(choice: bytes) -> bytes:
    return b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[%b]}\n\n' % choice


START = chunk(b'{"index":0,"delta":{"role":"assistant"}}')
WORD = chunk(b'{"index":0,"delta":{"content":"one"}}')
END = chunk(b'{"index":0,"delta":{},"finish_reason":"stop"}') + b"data: [DONE]\n\n"
PACE_S = 0.25
IDLE_S = 1.25
"""Five times what passes between two signs of life, and less than all of the comments take."""


@pytest.fixture(scope="module")
def gateway(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = whole_stage["first"].port
    hasty = provider("hasty", "openai_compat", port, idle_timeout_s=IDLE_S, ttft_timeout_s=30)
    with running(tmp_path_factory.mktemp("gateway"), whole_stage.config(providers=[hasty])) as gateway:
        yield gateway


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize(
    "pieces",
    [(START, *COMMENTS, WORD, END), (START, WORD, *COMMENTS, END)],
    ids=["before the first word", "in the midst"],
)
def test_comments_are_signs_of_life(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, pieces: tuple[bytes, ...]
) -> None:
    stage.plays(first=Raw(pieces=pieces, pace_s=PACE_S))

    answer = ask(gateway, dialect, "hasty-openai_compat", stream=True)

    assert "one" in answer.text
    assert is_terminated(dialect, answer.text)
