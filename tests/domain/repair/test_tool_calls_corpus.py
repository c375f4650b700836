"""Calls written as text are found, and nothing else is ever taken for one: measured on an open corpus."""

import pytest

from tests.domain.repair.cases import Case, calls, expected, prose, told
from tests.domain.repair.report import main, score

LOWEST_RECALL = 0.95
SMALLEST_CORPUS = 400

CALLS = calls()
PROSE = prose()


@pytest.mark.parametrize("case", [case for case in CALLS if not case.missed], ids=str)
def test_a_call_written_as_text_becomes_a_call(case: Case) -> None:
    assert told(case, [case.text]) == expected(case)


@pytest.mark.parametrize("case", PROSE, ids=str)
def test_text_that_is_no_call_stays_as_it_is(case: Case) -> None:
    assert told(case, [case.text]) == expected(case)


@pytest.mark.parametrize("case", [*CALLS, *PROSE], ids=str)
def test_it_makes_no_difference_in_what_pieces_the_text_comes(case: Case) -> None:
    whole = told(case, [case.text])

    for size in (1, 2, 3, 7, 50):
        pieces = [case.text[start : start + size] for start in range(0, len(case.text), size)]
        assert told(case, pieces) == whole


def test_no_answer_is_repaired_falsely_and_nearly_no_call_is_missed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = score()

    assert result.false_repair_rate == 0
    assert result.recall >= LOWEST_RECALL
    assert result.with_calls + result.without_calls >= SMALLEST_CORPUS


def test_the_report_names_both_rates(capsys: pytest.CaptureFixture[str]) -> None:
    main()

    report = capsys.readouterr().out
    assert "recall" in report
    assert "false repairs" in report
    assert f"{len(CALLS)}" in report
