"""
Ranks the targets of one profile by how fast and how reliable they have been of late.

A target gets a demerit for being slow, and two for failing often. Slow is meant in comparison: the yardstick
is the middle one of the targets' own medians, the faster of the two middle ones where their number is even,
so that of two targets the slower can be told. A target that gets no more requests is forgotten after a while,
and so finds its way back.

A score that changed stays for a while, or two targets of about the same speed would change places all the
time.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from domain.health.policy import AdaptivePolicy
from domain.values import value

Measurable: TypeAlias = tuple[str, str]
"""A provider's name and a model's."""

_MOST_SAMPLES = 100
"""Attempts that are remembered of one target; the latest tell the most, and ranking must stay cheap."""

_SLOW = 1
_FAULTY = 2


@value(kw_only=True)
class Sample:
    """One attempt: when it ended, and the seconds to its first content unless it failed."""

    at: float
    ttft_s: float | None

    @property
    def failed(self) -> bool:
        return self.ttft_s is None


@value(kw_only=True)
class Measured:
    """How a target has done; ``median_s`` is ``None`` while too few attempts tell."""

    score: int
    median_s: float | None
    error_rate: float
    samples: int


@dataclass(slots=True)
class _Course:
    """The latest attempts at one target, and the score it stands by since ``changed_at``."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))
    score: int = 0
    changed_at: float | None = None

    def settled(self, score: int, now: float, policy: AdaptivePolicy) -> int:
        """The score to go by when this is what the samples say; the first change is taken at once."""
        recent = self.changed_at is not None and now - self.changed_at < policy.debounce_s
        return self.score if recent else score


class AdaptiveRanking:
    """
    The scores of one profile's targets.

    Scores change when an attempt is recorded, or with time; looking at them changes nothing.
    """

    def __init__(self) -> None:
        self._courses: dict[Measurable, _Course] = {}

    def __repr__(self) -> str:
        scores = {name: course.score for name, course in self._courses.items()}
        return f"<AdaptiveRanking {scores}>"

    def record(self, name: Measurable, sample: Sample, policy: AdaptivePolicy) -> None:
        """An attempt has ended; samples come in the order in which their attempts ended."""
        self._courses.setdefault(name, _Course()).samples.append(sample)
        for measured_name, measured in self.measured(sample.at, policy).items():
            course = self._courses[measured_name]
            if measured.score != course.score:
                course.score, course.changed_at = measured.score, sample.at

    def forget(self, provider: str) -> None:
        """Every model of the provider begins anew."""
        for name in [name for name in self._courses if name[0] == provider]:
            del self._courses[name]

    def measured(self, now: float, policy: AdaptivePolicy) -> Mapping[Measurable, Measured]:
        """How each target has done that was ever asked."""
        latest = {name: _latest(course, now, policy) for name, course in self._courses.items()}
        medians = {name: _median_s(samples, policy) for name, samples in latest.items()}
        yardstick_s = _lower_median([median for median in medians.values() if median is not None])
        return {
            name: _measured(self._courses[name], samples, medians[name], yardstick_s, now, policy)
            for name, samples in latest.items()
        }


def _latest(course: _Course, now: float, policy: AdaptivePolicy) -> list[Sample]:
    return [sample for sample in course.samples if sample.at > now - policy.window_s]


def _median_s(samples: list[Sample], policy: AdaptivePolicy) -> float | None:
    timed = [sample.ttft_s for sample in samples if sample.ttft_s is not None]
    return _lower_median(timed) if len(timed) >= policy.least_timed else None


def _lower_median(values: list[float]) -> float | None:
    return sorted(values)[(len(values) - 1) // 2] if values else None


def _measured(
    course: _Course,
    samples: list[Sample],
    median_s: float | None,
    yardstick_s: float | None,
    now: float,
    policy: AdaptivePolicy,
) -> Measured:
    error_rate = sum(sample.failed for sample in samples) / len(samples) if samples else 0.0
    slow = _is_slow(median_s, yardstick_s, policy)
    faulty = len(samples) >= policy.least_tried and error_rate >= policy.error_rate
    score = _SLOW * slow + _FAULTY * faulty
    return Measured(
        score=course.settled(score, now, policy),
        median_s=median_s,
        error_rate=error_rate,
        samples=len(samples),
    )


def _is_slow(median_s: float | None, yardstick_s: float | None, policy: AdaptivePolicy) -> bool:
    """The yardstick itself is not slow, not even where all answer at once."""
    if median_s is None or yardstick_s is None:
        return False
    return median_s > yardstick_s and median_s >= policy.latency_factor * yardstick_s
