"""LaunchPlan.spec.concurrency: how many runs of a plan may be under way at once, and what happens to one too many."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import ConfigDict

from launchplan_operator.api.model import Model, rule, rules
from launchplan_operator.api.schedule import PositiveDuration

#: The most runs of one plan at once under a limit; each is an entry of the plan's status.
MAX_SEATS: Final = 500
#: The most runs that wait at once.
MAX_QUEUE: Final = 10_000
#: How many wait where the plan does not say.
DEFAULT_QUEUE: Final = 100
_QUEUE_NEEDS_BEHAVIOR: Final = "queue is for behavior Queue only"

#: What becomes of a run that finds the limit reached.
Behavior = Literal["Skip", "Queue", "Replace"]


class RunQueue(Model):
    """How runs wait for their turn."""

    max: Annotated[int, Field(ge=1, le=MAX_QUEUE)] = Field(
        default=DEFAULT_QUEUE, description="How many wait at most; one more is skipped."
    )
    expire_after: PositiveDuration | None = Field(
        default=None, description="A run that waited this long is skipped; a scheduled one after startingDeadline too."
    )


class Concurrency(Model):
    """How many runs may be under way at once, whoever starts them and of whatever version."""

    model_config = ConfigDict(
        json_schema_extra=rules(rule("!has(self.queue) || self.behavior == 'Queue'", _QUEUE_NEEDS_BEHAVIOR))
    )

    max: Annotated[int, Field(ge=1, le=MAX_SEATS)] = Field(description="How many runs may be under way at once.")
    behavior: Behavior = Field(
        default="Skip",
        description="One run too many is recorded and not started, waits for its turn, or ends the oldest one.",
    )
    queue: RunQueue | None = Field(default=None, description="How runs wait, where the behavior is Queue.")

    @model_validator(mode="after")
    def _queues(self) -> Self:
        if self.queue is not None and self.behavior != "Queue":
            raise ValueError(_QUEUE_NEEDS_BEHAVIOR)
        return self
