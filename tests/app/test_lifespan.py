"""What a gateway says while it starts."""

import json
from io import BytesIO
from pathlib import Path

from app.container import container_for
from app.launch import find_launch
from app.lifespan import running

FILE = """\
providers:
  - {name: nim, base_url: "http://127.0.0.1:9/v1", model: meta/llama-3.3-70b-instruct}
  - {name: mine, base_url: "http://127.0.0.1:9/v1", model: my-own}
profiles:
  - {name: claude-code, providers: [mine, nim]}
  - {name: default, providers: [nim]}
"""
RULES = "version: 1\nrules: [{match: my-own, capabilities: {claude_code_suitability: degraded}}]\n"


async def test_it_warns_of_models_that_serve_claude_code_badly(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / ".coderouter").mkdir()
    (tmp_path / ".coderouter" / "model-capabilities.yaml").write_text(RULES, encoding="utf-8")
    container = container_for(find_launch({"HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path))
    log = BytesIO()
    container.log_stream.override(log)

    async with running(container):
        pass

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    warnings = [line for line in told if line["event"] == "chain-claude-code-suitability-degraded"]
    assert [(line["profile"], line["degraded_providers"], line["degraded_models"]) for line in warnings] == [
        ("claude-code", ["mine", "nim"], ["my-own", "meta/llama-3.3-70b-instruct"])
    ]
