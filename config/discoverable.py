"""What can be found without a configuration: servers on this machine and keys in the environment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Where a kind of model server listens by default, and the path whose answer lists its models."""

    kind: str
    title: str
    base_url: str
    path: str
    remedy: str

    @property
    def url(self) -> str:
        return f"{self.base_url}{self.path}"


PROBES = (
    Probe(
        kind="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        path="/models",
        remedy="pull one: ollama pull qwen2.5-coder:7b",
    ),
    Probe(
        kind="lm_studio",
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        path="/models",
        remedy="load a model in its window",
    ),
    Probe(
        kind="llama_cpp",
        title="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        path="/models",
        remedy="start llama-server with --model",
    ),
    Probe(
        kind="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        path="/models",
        remedy="start vllm serve with a model",
    ),
)
"""
The servers to look for, in the order of preference.

All four answer `GET /v1/models` as OpenAI does: `{"data": [{"id": "…"}, …]}`. On ports 8080 and 8000 other
programs listen as well: an answer of another shape is no finding.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A vendor whose key may be in the environment, and a model of theirs that serves coding agents well."""

    name: str
    title: str
    key_names: tuple[str, ...]
    base_url: str
    model: str
    paid: bool
    kind: str = "openai_compat"


CLOUDS = (
    Cloud(
        name="openrouter-free",
        title="OpenRouter's free models",
        key_names=("OPENROUTER_API_KEY",),
        base_url="https://openrouter.ai/api/v1",
        # Picks among the models that cost nothing: https://openrouter.ai/docs/guides/routing/routers/free-router
        model="openrouter/free",
        paid=False,
    ),
    Cloud(
        name="nvidia-nim",
        title="NVIDIA NIM",
        key_names=("NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"),
        base_url="https://integrate.api.nvidia.com/v1",
        model="nvidia/nemotron-3-super-120b-a12b",
        paid=False,
    ),
    Cloud(
        name="groq",
        title="Groq",
        key_names=("GROQ_API_KEY",),
        base_url="https://api.groq.com/openai/v1",
        model="openai/gpt-oss-120b",
        paid=False,
    ),
    Cloud(
        name="gemini",
        title="Google Gemini",
        key_names=("GEMINI_API_KEY",),
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        model="gemini-2.5-flash",
        # Free only while the key's project has no billing account, which the key does not tell.
        paid=True,
    ),
    Cloud(
        name="deepseek",
        title="DeepSeek",
        key_names=("DEEPSEEK_API_KEY",),
        base_url="https://api.deepseek.com",
        model="deepseek-flash",
        paid=True,
    ),
    Cloud(
        name="openai",
        title="OpenAI",
        key_names=("OPENAI_API_KEY",),
        base_url="https://api.openai.com/v1",
        model="gpt-5-mini",
        paid=True,
    ),
    Cloud(
        name="anthropic",
        title="Anthropic",
        key_names=("ANTHROPIC_API_KEY",),
        base_url="https://api.anthropic.com",
        model="claude-sonnet-4-6",
        paid=True,
        kind="anthropic",
    ),
)
"""Free ones first, then the paid ones, cheapest first: the order of the chain that is built from them."""
