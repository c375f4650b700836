"""Header values, whatever they are made of."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.http.headers import header, request_id, text_headers


@given(st.text())
def test_any_value_becomes_one_line_of_latin_1(value: str) -> None:
    _, sent = header("x-name", value)

    assert not any(byte < 0x20 or byte == 0x7F for byte in sent)
    assert sent == sent.strip()


def test_letters_of_western_europe_stay_and_others_are_replaced() -> None:
    assert header("x-name", "café 模型")[1] == "café ??".encode("latin-1")


def test_names_are_lower_case_and_repeated_headers_joined() -> None:
    assert text_headers([(b"X-A", b"1"), (b"x-a", b"2"), (b"b", b"\xe9")]) == {"x-a": "1, 2", "b": "é"}


def test_without_an_id_of_its_own_a_request_gets_one() -> None:
    assert request_id({}, lambda: "new") == "new"


def test_a_sane_id_is_kept() -> None:
    assert request_id({"x-request-id": "A.b_c-1"}, lambda: "new") == "A.b_c-1"


def test_a_line_end_makes_an_id_odd() -> None:
    assert request_id({"x-request-id": "abc\n"}, lambda: "new") == "new"
