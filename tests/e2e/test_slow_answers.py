"""An answer that only trickles is given up, where somebody has said what is too slow."""

from pathlib import Path

import pytest

from tests.e2e.clients import DIALECTS, ClientDialect, ask, is_terminated, said
from tests.e2e.gateway import only, running, seconds
from tests.e2e.stage import Stage
from tests.upstream.behaviours import Answer

TRICKLE = Answer.text(" ".join(["word"] * 60), pace_s=1.0)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_next_provider_goes_on_with_a_trickle(
    stage: Stage, tmp_path: Path, dialect: ClientDialect
) -> None:
    stage.plays(first=TRICKLE, second=Answer.text(" and the rest at once."))
    profile = {
        "name": "impatient",
        "providers": ["first-openai_compat", "second-anthropic"],
        "min_tokens_per_s": 5,
        "on_broken_stream": "continue",
    }
    with running(tmp_path, stage.config(profiles=[profile])) as gateway:
        answers = []
        took = seconds(lambda: answers.append(ask(gateway, dialect, "impatient", stream=True)))
        story = gateway.story(answers[0].headers["x-request-id"])

    assert took < 55  # all of the trickle would take a minute
    assert is_terminated(dialect, answers[0].text)
    assert said(dialect, answers[0]).endswith("and the rest at once.")
    (broken,) = only(story, "provider-failed-midstream")
    assert broken["error"] == "slower than 5 tokens a second in the midst of the answer"
