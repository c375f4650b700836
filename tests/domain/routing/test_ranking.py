"""The order in which admitted targets are tried."""

from hypothesis import given
from hypothesis import strategies as st

from domain.health.standing import Standing
from domain.routing.gates import Capability
from domain.routing.ranking import Candidate, demoted, demoted_for_health, ranked, unmeasured_order
from domain.routing.targets import Target


def candidate(
    name: str, *, unhealthy: bool = False, lacks: tuple[Capability, ...] = (), score: float = 0.0
) -> Candidate:
    return Candidate(
        target=Target(name, "m"), lacks=lacks, standing=Standing(unhealthy=unhealthy, score=score)
    )


LACKS = (Capability.TOOLS,)
_candidates = st.lists(
    st.builds(
        Candidate,
        target=st.builds(Target, st.text(max_size=2), st.just("m")),
        lacks=st.sampled_from([(), LACKS]),
        standing=st.builds(Standing, unhealthy=st.booleans(), score=st.sampled_from([0.0, 0.5, 1.0])),
    ),
    max_size=6,
)


def names(candidates: tuple[Candidate, ...]) -> str:
    return "".join(one.target.provider for one in candidates)


def test_health_beats_ability_ability_beats_score_and_score_beats_the_declared_order() -> None:
    declared = [
        candidate("a", unhealthy=True),
        candidate("b", lacks=LACKS),
        candidate("c", score=2.0),
        candidate("d", score=1.0),
        candidate("e", score=1.0),
    ]

    assert names(ranked(declared)) == "decba"


def test_those_that_lack_something_are_demoted_only_if_somebody_overtakes_them() -> None:
    assert names(demoted([candidate("a", lacks=LACKS), candidate("b"), candidate("c", lacks=LACKS)])) == "a"
    assert names(demoted([candidate("a", lacks=LACKS), candidate("b", lacks=LACKS)])) == ""
    assert names(demoted([candidate("a"), candidate("b", lacks=LACKS)])) == ""


@given(_candidates)
def test_ranking_leaves_nobody_out_and_is_settled(candidates: list[Candidate]) -> None:
    once = ranked(candidates)

    assert sorted(map(repr, once)) == sorted(map(repr, candidates))
    assert ranked(once) == once


def test_an_unhealthy_target_that_others_overtake_is_told() -> None:
    ill, well, last = candidate("ill", unhealthy=True), candidate("well"), candidate("last", unhealthy=True)

    assert demoted_for_health([ill, well, last]) == (ill,)
    assert demoted_for_health([ill, last]) == ()


def test_what_measurements_changed_can_be_told() -> None:
    slow, quick = candidate("slow", score=1.0), candidate("quick")

    assert unmeasured_order([slow, quick]) == (slow, quick)
    assert ranked([slow, quick]) == (quick, slow)
