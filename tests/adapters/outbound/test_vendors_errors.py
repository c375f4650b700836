"""What vendors and servers really say when they refuse, and what we make of it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.dialects.error_bodies import decode_error
from adapters.outbound.failures import refusal, reported
from adapters.outbound.limits import seconds_until
from domain.failures import FailureKind, Overflow, QuotaScope, UpstreamAnswer, UpstreamFailure

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC).timestamp()


@dataclass(frozen=True, kw_only=True)
class Said:
    """A refusal, and how it is to be understood."""

    vendor: str
    status: int
    body: Any
    kind: FailureKind
    headers: dict[str, str] = field(default_factory=dict)
    scope: QuotaScope | None = None
    retry_after_s: float | None = None
    resets_in_s: float | None = None
    overflow: Overflow | None = None

    def __str__(self) -> str:
        return f"{self.vendor}-{self.status}-{self.kind}"

    @property
    def failure(self) -> UpstreamFailure:
        body = self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()
        answer = UpstreamAnswer(dialect="any", status=self.status, body=body, headers=self.headers)
        return refusal(decode_error(body), answer, NOW)


def openai(message: str, **more: Any) -> dict[str, Any]:
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}
    }


def typed(code: int | str | None, kind: str, message: str) -> dict[str, Any]:
    """As llama.cpp, vLLM and others word it."""
    return {"error": {"code": code, "message": message, "type": kind}}


def anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def google(
    message: str, *quotas: str, code: int = 429, status: str = "RESOURCE_EXHAUSTED", delay: str = ""
) -> list[Any]:
    details: list[Any] = [{"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://a/b"}]}]
    if quotas:
        violations = [{"quotaMetric": "…/generate_requests", "quotaId": quota} for quota in quotas]
        details.append({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations})
    if delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return [{"error": {"code": code, "message": message, "status": status, "details": details}}]


GOOGLE_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this "
    "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. * Quota exceeded for metric: "
    "generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10, model: "
    "gemini-2.5-flash\n"
    "Please retry in 45.578569677s."
)
GROQ_DAY = (
    "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier "
    "`on_demand` on "
    "tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. "
    "Need more "
    "tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
)
GROQ_MINUTE = (
    "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier "
    "`on_demand` on "
    "tokens per minute (TPM): Limit 12000, Used 4437, Requested 9854. Please try again in 11.455s. Need more "
    "tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
)
GROQ_TOO_LARGE = (
    "Request too large for model `llama-3.1-8b-instant` in organization `org_1` service tier `on_demand` on "
    "tokens per minute (TPM): Limit 6000, Requested 6294, please reduce your message size and try again."
)

LIMITS = [
    Said(
        vendor="anthropic",
        status=429,
        body=anthropic(
            "rate_limit_error",
            "This request would exceed your organization's rate limit of 50,000 input tokens per minute.",
        ),
        headers={
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-03-31T12:00:01Z",
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-input-tokens-reset": "2026-03-31T12:00:42Z",
            "retry-after": "30",
        },
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.MINUTE,
        retry_after_s=30.0,
        resets_in_s=42.0,
    ),
    Said(
        vendor="anthropic",
        status=429,
        body=anthropic("rate_limit_error", "This request would exceed your account's rate limit."),
        headers={
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-reset": str(int(NOW) + 9_000),
            "anthropic-ratelimit-unified-5h-status": "rejected",
            "anthropic-ratelimit-unified-5h-reset": str(int(NOW) + 9_000),
            "anthropic-ratelimit-unified-7d-status": "allowed",
            "anthropic-ratelimit-unified-7d-reset": str(int(NOW) + 500_000),
        },
        kind=FailureKind.RATE_LIMITED,
        resets_in_s=9_000.0,
    ),
    Said(
        vendor="anthropic",
        status=400,
        body=anthropic(
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2026-04-01 "
            "at 00:00 UTC.",
        ),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
        resets_in_s=12 * 3_600.0,
    ),
    Said(
        vendor="anthropic",
        status=400,
        body=anthropic(
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
            "Billing to upgrade.",
        ),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="openai",
        status=429,
        body=openai(
            "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit "
            "30000, Used 14567, "
            "Requested 24754. Please try again in 18.642s. Visit "
            "https://platform.openai.com/account/rate-limits",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        headers={
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-remaining-tokens": "15433",
            "x-ratelimit-reset-tokens": "29.134s",
        },
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.MINUTE,
        retry_after_s=18.642,
        resets_in_s=29.134,
    ),
    Said(
        vendor="openai",
        status=429,
        body=openai(
            "Rate limit reached for gpt-4o on requests per day (RPD): Limit 200, Used 200, Requested 1. "
            "Please try again in 7m12s.",
            type="requests",
            code="rate_limit_exceeded",
        ),
        headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7m12s"},
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
        retry_after_s=432.0,
        resets_in_s=432.0,
    ),
    Said(
        vendor="openai",
        status=429,
        body=openai(
            "You exceeded your current quota, please check your plan and billing details.",
            type="insufficient_quota",
            code="insufficient_quota",
        ),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="openai",
        status=400,
        body=openai("Billing hard limit has been reached", code="billing_hard_limit_reached"),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="openai-subscription",
        status=429,
        body={
            "error": {
                "type": "usage_limit_reached",
                "message": "The usage limit has been reached",
                "resets_in_seconds": 7_200,
            }
        },
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
        resets_in_s=7_200.0,
    ),
    Said(
        vendor="openrouter",
        status=429,
        body={
            "error": {
                "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 "
                "free model requests per day",
                "code": 429,
                "metadata": {
                    "headers": {
                        "X-RateLimit-Limit": "50",
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": str(int(NOW + 43_200) * 1000),
                    },
                    "provider_name": None,
                },
            },
            "user_id": "user_1",
        },
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
        resets_in_s=43_200.0,
    ),
    Said(
        vendor="openrouter",
        status=429,
        body={
            "error": {
                "message": "Rate limit exceeded",
                "code": 429,
                "metadata": {"limit_source": "openrouter_free_tier_daily"},
            }
        },
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 600) * 1000)},
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
        resets_in_s=600.0,
    ),
    Said(
        vendor="openrouter",
        status=429,
        body={"error": {"message": "Rate limit exceeded: free-models-per-min.", "code": 429}},
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.MINUTE,
    ),
    Said(
        vendor="openrouter",
        status=429,
        body={
            "error": {
                "message": "Provider returned error",
                "code": 429,
                "metadata": {"raw": "temporarily rate-limited upstream"},
            }
        },
        kind=FailureKind.RATE_LIMITED,
    ),
    Said(
        vendor="openrouter",
        status=402,
        body={
            "error": {
                "message": "This request requires more credits, or fewer max_tokens. You requested "
                "up to 32000 tokens, "
                "but can only afford 27342. To increase, visit https://openrouter.ai/settings/credits",
                "code": 402,
            }
        },
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="openrouter",
        status=402,
        body={"error": {"message": "Insufficient credits. Add more using https://x/y", "code": 402}},
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="openrouter",
        status=404,
        body={"error": {"message": "No endpoints found that support tool use. Try disabling", "code": 404}},
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="openrouter",
        status=403,
        body={
            "error": {
                "message": "Key limit exceeded (daily limit). Manage it at "
                "https://openrouter.ai/settings/keys",
                "code": 403,
            }
        },
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
    ),
    Said(
        vendor="nvidia",
        status=429,
        body={"status": 429, "title": "Too Many Requests"},
        kind=FailureKind.RATE_LIMITED,
    ),
    Said(
        vendor="nvidia",
        status=402,
        body={"detail": "Account 'a': Cloud credits expired - Please contact NVIDIA representatives"},
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="groq",
        status=429,
        body=openai(GROQ_MINUTE, type="tokens", code="rate_limit_exceeded"),
        headers={
            "retry-after": "12",
            "x-ratelimit-remaining-requests": "14370",
            "x-ratelimit-reset-requests": "2m59.56s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "7.66s",
        },
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.MINUTE,
        retry_after_s=12.0,
        resets_in_s=11.455,
    ),
    Said(
        vendor="groq",
        status=429,
        body=openai(GROQ_DAY, type="tokens", code="rate_limit_exceeded"),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
        retry_after_s=578.016,
        resets_in_s=578.016,
    ),
    Said(
        vendor="gemini",
        status=429,
        body=google(GOOGLE_QUOTA, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", delay="45s"),
        kind=FailureKind.RATE_LIMITED,
        scope=QuotaScope.MINUTE,
        retry_after_s=45.578569677,
    ),
    Said(
        vendor="gemini",
        status=429,
        body=google(
            GOOGLE_QUOTA,
            "GenerateContentInputTokensPerModelPerMinute-FreeTier",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            delay="34s",
        ),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.DAY,
        retry_after_s=45.578569677,
    ),
    Said(
        vendor="deepseek",
        status=402,
        body=openai("Insufficient Balance", type="unknown_error", code="invalid_request_error"),
        kind=FailureKind.QUOTA,
        scope=QuotaScope.BALANCE,
    ),
    Said(
        vendor="mistral",
        status=429,
        body={"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
        headers={"retry-after": "Tue, 31 Mar 2026 12:01:30 GMT"},
        kind=FailureKind.RATE_LIMITED,
        retry_after_s=90.0,
        resets_in_s=90.0,
    ),
    Said(
        vendor="huggingface",
        status=402,
        body={"error": "You have exceeded your monthly included credits for Inference Providers."},
        kind=FailureKind.QUOTA,
        scope=QuotaScope.MONTH,
    ),
]

OVERFLOWS = [
    Said(
        vendor="llama.cpp",
        status=400,
        body={
            "error": {
                "code": 400,
                "message": "request (84032 tokens) exceeds the available context size (8192 tokens), "
                "try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 84032,
                "n_ctx": 8192,
            }
        },
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=84032, window=8192),
    ),
    Said(
        vendor="llama.cpp",
        status=500,
        body=typed(500, "server_error", "Context size has been exceeded."),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(),
    ),
    Said(
        vendor="vllm",
        status=400,
        body={
            "object": "error",
            "message": "This model's maximum context length is 8192 tokens. However, you requested "
            "9000 tokens (8000 in "
            "the messages, 1000 in the completion). Please reduce the length of the messages or completion.",
            "type": "BadRequestError",
            "code": 400,
        },
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=8000, window=8192),
    ),
    Said(
        vendor="vllm",
        status=400,
        body=openai(
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum "
            "context length is 8192 "
            "tokens and your request has 1000 input tokens (32000 > 8192 - 1000)."
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=1000, window=8192),
    ),
    Said(
        vendor="vllm",
        status=400,
        body=openai(
            "The decoder prompt (length 25938) is longer than the maximum model length of 4096. Make "
            "sure that "
            "`max_model_len` is no smaller than the number of text tokens."
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=25938, window=4096),
    ),
    Said(
        vendor="vllm-messages",
        status=400,
        body=anthropic(
            "BadRequestError",
            "The prompt (total length 25938) is too long to fit into the model (context length 4096).",
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=25938, window=4096),
    ),
    Said(
        vendor="lm-studio",
        status=400,
        body={
            "error": "Trying to keep the first 15857 tokens when context the overflows. However, the "
            "model is loaded with "
            "context length of only 4096 tokens, which is not enough."
        },
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=15857, window=4096),
    ),
    Said(
        vendor="lm-studio",
        status=400,
        body={
            "error": "The number of tokens to keep from the initial prompt is greater than the "
            "context length (n_keep: "
            "13055>= n_ctx: 4096). Try to load the model with a larger context length."
        },
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=13055, window=4096),
    ),
    Said(
        vendor="anthropic",
        status=400,
        body=anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=210000, window=200000),
    ),
    Said(
        vendor="anthropic",
        status=400,
        body=anthropic(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000, decrease "
            "input length",
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=190000, window=200000),
    ),
    Said(
        vendor="anthropic",
        status=429,
        body=anthropic("rate_limit_error", "Extra usage is required for long context requests."),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(),
    ),
    Said(
        vendor="openai",
        status=400,
        body=openai(
            "This model's maximum context length is 128000 tokens. However, your messages resulted "
            "in 130012 tokens.",
            code="context_length_exceeded",
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=130012, window=128000),
    ),
    Said(
        vendor="openai",
        status=400,
        body=openai("Your input exceeds the context window of this model.", code="context_length_exceeded"),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(),
    ),
    Said(
        vendor="openrouter",
        status=400,
        body=openai(
            "This endpoint's maximum context length is 131072 tokens. However, you requested about "
            "140000 tokens "
            "(139000 of text input, 1000 in the output)."
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=139000, window=131072),
    ),
    Said(
        vendor="gemini",
        status=400,
        body=google(
            "The input token count (3475108) exceeds the maximum number of tokens allowed (1048576).",
            code=400,
            status="INVALID_ARGUMENT",
        ),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=3475108, window=1048576),
    ),
    Said(
        vendor="groq",
        status=413,
        body=openai(GROQ_TOO_LARGE, type="tokens", code="rate_limit_exceeded"),
        kind=FailureKind.CONTEXT_OVERFLOW,
        overflow=Overflow(prompt_tokens=6294, window=6000),
    ),
]

OTHERS = [
    Said(
        vendor="ollama",
        status=500,
        body={"error": "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"},
        kind=FailureKind.OUT_OF_MEMORY,
    ),
    Said(
        vendor="ollama",
        status=500,
        body={"error": "llama runner process has terminated: cudaMalloc failed: out of memory"},
        kind=FailureKind.OUT_OF_MEMORY,
    ),
    Said(
        vendor="lm-studio",
        status=400,
        body={
            "error": "Model loading was stopped due to insufficient system resources. Under the "
            "current settings, …"
        },
        kind=FailureKind.OUT_OF_MEMORY,
    ),
    Said(
        vendor="ollama",
        status=503,
        body={"error": "server busy, please try again. maximum pending requests exceeded"},
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="ollama",
        status=404,
        body={"error": "model 'qwen3:8b' not found"},
        kind=FailureKind.MODEL_MISSING,
    ),
    Said(
        vendor="llama.cpp-router",
        status=400,
        body=typed(400, "invalid_request_error", "model 'no-such-model' not found"),
        kind=FailureKind.MODEL_MISSING,
    ),
    Said(
        vendor="llama.cpp",
        status=501,
        body=typed(
            501,
            "not_supported_error",
            "This server does not support embeddings. Start it with `--embeddings`",
        ),
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="vllm",
        status=400,
        body=typed(400, "BadRequestError", "The model does not support Embeddings API"),
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="ollama",
        status=400,
        body=openai("registry.ollama.ai/library/gemma:2b does not support tools"),
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="vllm",
        status=400,
        body=typed(
            400,
            "BadRequestError",
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        ),
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="groq",
        status=400,
        body=openai("`tool calling` is not supported with this model"),
        kind=FailureKind.NOT_OFFERED,
    ),
    Said(
        vendor="vllm",
        status=404,
        body=typed(404, "NotFoundError", "The model `x` does not exist."),
        kind=FailureKind.MODEL_MISSING,
    ),
    Said(
        vendor="nvidia",
        status=404,
        body={"status": 404, "title": "Not Found", "detail": "Function '23d4': Not found for account 'Qawm'"},
        kind=FailureKind.MODEL_MISSING,
    ),
    Said(
        vendor="nvidia",
        status=403,
        body={"status": 403, "title": "Forbidden", "detail": "Authorization failed"},
        kind=FailureKind.CREDENTIALS,
    ),
    Said(
        vendor="gemini",
        status=400,
        body=google("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT"),
        kind=FailureKind.CREDENTIALS,
    ),
    Said(
        vendor="gemini",
        status=503,
        body=google("The model is overloaded. Please try again later.", code=503, status="UNAVAILABLE"),
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="groq",
        status=498,
        body=openai("Flex tier capacity exceeded"),
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="groq",
        status=400,
        body=openai(
            "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
            code="tool_use_failed",
            failed_generation="<function=…",
        ),
        kind=FailureKind.GARBLED,
    ),
    Said(
        vendor="llama.cpp",
        status=500,
        body=typed(
            500,
            "server_error",
            "The model produced output that does not match the expected peg-native format",
        ),
        kind=FailureKind.GARBLED,
    ),
    Said(
        vendor="llama.cpp",
        status=500,
        body=typed(500, "server_error", "'messages' is required"),
        kind=FailureKind.REQUEST_FAULT,
    ),
    Said(
        vendor="llama.cpp",
        status=500,
        body=typed(500, "server_error", "Failed to parse tools: Expected 'tools' to be an array"),
        kind=FailureKind.REQUEST_FAULT,
    ),
    Said(
        vendor="llama.cpp",
        status=503,
        body=typed(503, "unavailable_error", "Loading model"),
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="vllm",
        status=500,
        body=typed(500, "InternalServerError", "EngineCore encountered an issue. See stack trace (above)"),
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="anthropic",
        status=529,
        body=anthropic("overloaded_error", "Overloaded"),
        kind=FailureKind.OVERLOADED,
    ),
    Said(
        vendor="anthropic",
        status=400,
        body=anthropic("invalid_request_error", "tools.0.custom.name: 'billing' does not match the pattern"),
        kind=FailureKind.REQUEST_FAULT,
    ),
    Said(
        vendor="openrouter",
        status=403,
        body={"error": {"message": "requires moderation on OpenAI. Your input was flagged", "code": 403}},
        kind=FailureKind.REQUEST_FAULT,
    ),
    Said(
        vendor="cloudflare",
        status=522,
        body="<html><head><title>522</title></head><body>Connection timed out</body></html>",
        kind=FailureKind.OVERLOADED,
    ),
]


@pytest.mark.parametrize("said", [*LIMITS, *OVERFLOWS, *OTHERS], ids=str)
def test_a_vendors_refusal_is_understood(said: Said) -> None:
    failure = said.failure

    assert failure.kind is said.kind
    assert failure.scope is said.scope
    assert failure.overflow == said.overflow
    assert failure.retry_after_s == pytest.approx(said.retry_after_s)
    assert failure.resets_in_s == pytest.approx(said.resets_in_s)


@pytest.mark.parametrize("said", [*LIMITS, *OVERFLOWS], ids=str)
def test_the_same_error_inside_an_answer_means_the_same(said: Said) -> None:
    body = said.body if isinstance(said.body, str) else json.dumps(said.body)
    error = decode_error(body.encode())
    error.status = error.status or said.status

    assert reported(error, NOW).kind is said.kind


def test_an_error_in_an_answer_that_says_only_that_memory_is_out_is_believed() -> None:
    assert reported(decode_error(b'{"error":"CUDA out of memory"}'), NOW).kind is FailureKind.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1h2m3.5s", 3_723.5),
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("30", 30.0),
        (str(int(NOW) + 5), 5.0),
        (f"{int(NOW + 5)}000", 5.0),
        ("2026-03-31T12:00:05Z", 5.0),
        ("2026-03-31T14:00:05+02:00", 5.0),
        ("Tue, 31 Mar 2026 12:00:05 GMT", 5.0),
        ("2026-03-31T11:00:00Z", 0.0),
        ("tomorrow", None),
        ("nan", None),
        ("", None),
    ],
)
def test_moments_and_spans_are_read_as_vendors_write_them(text: str, seconds: float | None) -> None:
    assert seconds_until(text, NOW) == pytest.approx(seconds)
