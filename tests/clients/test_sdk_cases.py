"""The vendors' SDKs work with a real model behind the gateway, whichever language the provider speaks."""

from collections.abc import Iterator

import pytest
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from tests.clients import chat_cases, messages_cases, responses_cases
from tests.clients.sdks import Case, Sdks
from tests.e2e.gateway import Gateway
from tests.e2e.stage import KINDS, Kind

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

KEY = "of-the-client"


def named(case: Case) -> str:
    return case.__name__


@pytest.fixture(scope="module", params=KINDS)
def sdks(whole_gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Sdks]:
    """Both SDKs at the gateway, asking the model as a provider of either kind."""
    kind: Kind = request.param
    openai_url, anthropic_url = whole_gateway.openai_base_url, whole_gateway.address
    with (
        OpenAI(base_url=openai_url, api_key=KEY, max_retries=0) as openai,
        Anthropic(base_url=anthropic_url, api_key=KEY, max_retries=0) as anthropic,
    ):
        yield Sdks(
            openai=openai,
            anthropic=anthropic,
            async_openai=lambda: AsyncOpenAI(base_url=openai_url, api_key=KEY, max_retries=0),
            async_anthropic=lambda: AsyncAnthropic(base_url=anthropic_url, api_key=KEY, max_retries=0),
            model=f"small-{kind}",
        )


@pytest.mark.parametrize("case", chat_cases.CASES, ids=named)
def test_chat_completions(sdks: Sdks, case: Case) -> None:
    case(sdks)


@pytest.mark.parametrize("case", responses_cases.CASES, ids=named)
def test_responses(sdks: Sdks, case: Case) -> None:
    case(sdks)


@pytest.mark.parametrize("case", messages_cases.CASES, ids=named)
def test_messages(sdks: Sdks, case: Case) -> None:
    case(sdks)


@pytest.mark.parametrize("sdks", ["openai_compat"], indirect=True)
def test_an_answer_keeps_to_a_schema(sdks: Sdks) -> None:
    """The model's server knows schemas in Chat Completions only."""
    chat_cases.keeps_to_a_schema(sdks)


@pytest.mark.parametrize("sdks", ["openai_compat"], indirect=True)
def test_a_text_is_gone_on_with(sdks: Sdks) -> None:
    """Nobody else has an endpoint for it."""
    chat_cases.goes_on_with_a_text(sdks)
