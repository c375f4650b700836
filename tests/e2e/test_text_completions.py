"""A text to go on with is not taken for a question."""

import httpx

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway
from tests.e2e.stage import Stage


def test_a_provider_that_only_converses_is_not_asked(gateway: Gateway, stage: Stage) -> None:
    with httpx.Client(base_url=gateway.openai_base_url, verify=TLS) as http:
        answer = http.post("/completions", json={"model": "second-anthropic", "prompt": "Once upon a time"})

    assert answer.status_code == 400
    assert "not tried" in answer.json()["error"]["message"]
    assert "text-completion" in answer.json()["error"]["message"]
    assert [request for request in stage["second"].requests if request.method == "POST"] == []


def test_a_server_without_that_endpoint_can_still_be_talked_to(gateway: Gateway, stage: Stage) -> None:
    stage.forget()
    with httpx.Client(base_url=gateway.openai_base_url, verify=TLS) as http:
        beside = [
            http.post("/completions", json={"model": "first-openai_compat", "prompt": "Once upon a time"}),
            http.post("/embeddings", json={"model": "first-openai_compat", "input": "a text"}),
        ]
        said = {"model": "first-openai_compat", "messages": [{"role": "user", "content": "hi"}]}
        conversation = http.post("/chat/completions", json=said)

    assert [answer.status_code for answer in beside] == [404, 404]
    assert conversation.status_code == 200, conversation.text
