"""The time-outs that a provider and a profile may both set."""

from typing import Annotated

from pydantic import Field

from config.schema.fields import ConnectSeconds, WaitSeconds, WholeSeconds
from config.schema.section import Section


class Deadlines(Section):
    """How long one attempt may take, phase by phase; a profile's value beats its providers'."""

    connect_timeout_s: ConnectSeconds | None = Field(
        default=None, description="Seconds to open a connection. Unset: 5, or `timeout_s` when that is less."
    )
    ttft_timeout_s: WaitSeconds | None = Field(
        default=None,
        description="Seconds to the first content of the answer."
        " Unset: `timeout_s`, else 600 for local and lan providers and 120 for the cloud.",
    )
    idle_timeout_s: WaitSeconds | None = Field(
        default=None, description="Seconds between two pieces of an answer. Unset: `timeout_s`, else 120."
    )
    total_timeout_s: WholeSeconds | None = Field(
        default=None, description="Seconds for the whole attempt, from first to last byte. Unset: no bound."
    )
    min_tokens_per_s: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = Field(
        default=None,
        description="An answer that has begun and comes slower than this, over 20 seconds of waiting for it,"
        " is given up like one that breaks off. Unset: no bound.",
    )
