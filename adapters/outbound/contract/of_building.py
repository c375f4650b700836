"""What is promised of an adapter before anybody asks it anything."""

from dataclasses import replace

from adapters.outbound.contract.stage import Scene
from adapters.outbound.contract.trial import BrokenPromise, Trial, in_words
from adapters.outbound.contract.verdicts import Promise
from adapters.outbound.foreign_failures import contained
from domain.conversation.soundness import type_in_words
from domain.failures import UpstreamFailure

_KEY = "key-that-nobody-may-see"
_ODD_OPTION = "an_option_that_nobody_knows"


async def _builds_without_asking(trial: Trial) -> None:
    async with trial.opened() as opened:
        if not callable(getattr(opened.provider, "converse", None)):
            raise BrokenPromise(f"it built {type_in_words(opened.provider)}, which has no method converse")
        if opened.transport.asked:
            raise BrokenPromise(f"{opened.transport.asked} requests were sent while it was built")


async def _refuses_unknown_options(trial: Trial) -> None:
    setting = trial.setting(Scene.ANSWERS)
    spec = replace(setting.spec, options={**setting.spec.options, _ODD_OPTION: 1})
    async with trial.opened() as opened:
        try:
            trial.provider(replace(setting, spec=spec), opened.transport)
        except BrokenPromise:
            return
    raise BrokenPromise(f"it was built with the option {_ODD_OPTION!r}; `options_as` refuses such")


async def _keeps_its_key(trial: Trial) -> None:
    async with trial.opened() as opened:
        provider = trial.provider(replace(opened.setting, secret=_KEY), opened.transport)
    try:
        with contained():
            shown = repr(provider) + str(provider)
    except UpstreamFailure as failure:
        raise BrokenPromise(f"its repr failed: {in_words(failure)}") from failure
    if _KEY in shown:
        raise BrokenPromise("its repr shows the provider's key, and so will any log that shows the adapter")


OF_BUILDING = (
    Promise(
        "builds-without-asking",
        "It is built into something that can converse, and building it asks nobody.",
        _builds_without_asking,
    ),
    Promise(
        "refuses-unknown-options",
        "An option that it does not know is refused, so that a slip of the pen is told and not ignored.",
        _refuses_unknown_options,
    ),
    Promise("keeps-its-key", "Its repr does not show the provider's key.", _keeps_its_key),
)
"""The first promises."""
