"""Context windows, as model servers tell them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.outbound.window_reading import listed_windows, property_window, running_windows

TOLD = Path(__file__).parents[2] / "transcripts" / "model_lists"


def told(name: str) -> bytes:
    return (TOLD / f"{name}.json").read_bytes()


@pytest.mark.parametrize("server", ["vllm", "llama-server"])
def test_a_real_server_tells_its_window_in_its_list(server: str) -> None:
    assert listed_windows(told(f"{server}-models")) == {"smollm2-135m": 8192}


def test_a_real_llama_server_tells_it_among_its_properties() -> None:
    assert property_window(told("llama-server-props")) == 8192


def test_what_is_in_force_counts_before_what_would_be_possible() -> None:
    body = b'{"data":[{"id":"m","max_context_length":131072,"loaded_context_length":4096},{"id":"n",'
    body += b'"context_length":32768},{"id":"o"},{"id":"p","max_model_len":0}]}'

    assert listed_windows(body) == {"m": 4096, "n": 32768}


def test_ollama_tells_the_windows_of_models_in_memory() -> None:
    body = b'{"models":[{"name":"qwen3:8b","model":"qwen3:8b","context_length":4096},{"name":"x"}]}'

    assert running_windows(body) == {"qwen3:8b": 4096}


@given(st.binary(max_size=60))
def test_whatever_is_told_ends_no_probe(body: bytes) -> None:
    assert listed_windows(body) == {} or listed_windows(body)
    assert running_windows(body) == {} or running_windows(body)
    assert property_window(body) is None or property_window(body)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b'{"data":{}}', b'{"data":[{"id":7}]}', b"\xff\xfe"]
)
def test_what_is_no_list_says_nothing(body: bytes) -> None:
    assert listed_windows(body) == {}
    assert running_windows(body) == {}
    assert property_window(body) is None
