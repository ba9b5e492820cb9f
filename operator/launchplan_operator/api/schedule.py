"""LaunchPlan.spec.schedule: when a plan runs by itself, and what becomes of slots that nobody started in time."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.model import SIGNED_DURATION_PATTERN, Duration, InputName, Model, Timestamp, rule, rules

#: Seconds after its time in which a slot still starts, where the plan says nothing; later it is late.
STARTING_DEADLINE_SECONDS: Final = 200

_POSITIVE: Final = "expected a duration of a millisecond at least"
_POSITIVE_RULE = rule("duration(self).getMilliseconds() >= 1", _POSITIVE)
_READABLE: Final = "expected a duration of 292 years at most"
#: Of a longer one the function `duration` is an error already.
_READABLE_RULE = rule("duration(self) <= duration('2562047h')", _READABLE)
_ONE_TIMING: Final = "expected exactly one of cron and fixedRate"
_ORDER: Final = "expected startTime before endTime"
#: What only the operator's own engine can do; a fixed rate that no cron text keeps is found later.
OPERATOR_FIELDS: Final = ("kickoffTimeInput", "jitter", "startTime", "endTime", "startingDeadline")
_OFFSET_NEEDS_INPUT: Final = "kickoffTimeOffset moves the value of an input: expected kickoffTimeInput beside it"


def _check_positive(text: str) -> str:
    duration = parse_go_duration(text)
    if duration is None or duration < timedelta(milliseconds=1):
        raise PydanticCustomError(Reason.DurationInvalid.value, _POSITIVE)
    return text


def _check_readable(text: str) -> str:
    if parse_go_duration(text) is None:
        raise PydanticCustomError(Reason.DurationInvalid.value, _READABLE)
    return text


PositiveDuration = Annotated[Duration, Field(json_schema_extra=rules(_POSITIVE_RULE)), AfterValidator(_check_positive)]
SignedDuration = Annotated[
    str,
    StringConstraints(min_length=2, max_length=33, pattern=SIGNED_DURATION_PATTERN),
    Field(json_schema_extra=rules(_READABLE_RULE)),
    AfterValidator(_check_readable),
]


class RateUnit(StrEnum):
    """The unit of a fixed rate."""

    Minute = "Minute"
    Hour = "Hour"
    Day = "Day"


class FixedRate(Model):
    """One run every so often, anchored at startTime, else at the Unix epoch."""

    value: Annotated[int, Field(ge=1, le=100_000)] = Field(description="How many units lie between two runs.")
    unit: RateUnit = Field(description="Minute, Hour or Day.")


class CatchUp(Model):
    """What becomes of slots that were not started in time."""

    policy: Literal["None", "Latest", "All"] = Field(
        default="Latest",
        description="None lets them be missed; Latest runs the newest; All runs the newest `max`, oldest first.",
    )
    window: PositiveDuration = Field(default="24h", description="Slots older than this are missed.")
    max: Annotated[int, Field(ge=1, le=1000)] = Field(default=10, description="How many slots All runs at most.")


def _engine_rules() -> ConfigDict:
    cannot = "the CronJob engine cannot keep {}: expected engine Auto or Operator"
    return ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.cron) != has(self.fixedRate)",
                _ONE_TIMING,
                "'found ' + (has(self.cron) ? 'both' : 'neither') + ' of cron and fixedRate, expected exactly one'",
            ),
            rule("!has(self.startTime) || !has(self.endTime) || self.startTime < self.endTime", _ORDER),
            rule("!has(self.kickoffTimeOffset) || has(self.kickoffTimeInput)", _OFFSET_NEEDS_INPUT),
            *(
                rule(f"self.engine != 'CronJob' || !has(self.{field})", cannot.format(field))
                for field in OPERATOR_FIELDS
            ),
        )
    )


class Schedule(Model):
    """When the plan runs by itself: exactly one of cron and fixedRate."""

    model_config = _engine_rules()

    engine: Literal["Auto", "CronJob", "Operator"] = Field(
        default="Auto",
        description="Who keeps the time: Kubernetes' CronJob controller, or the operator; Auto takes the first that can.",
    )
    cron: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        default=None, description="Five fields or a descriptor such as @daily, exactly as a CronJob reads them."
    )
    fixed_rate: FixedRate | None = Field(default=None, description="A rate instead of a cron text.")
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        default="UTC", description="An IANA name such as Europe/Berlin."
    )
    kickoff_time_input: InputName | None = Field(
        default=None, description="The input, of type datetime, that gets the slot's time."
    )
    kickoff_time_offset: SignedDuration | None = Field(
        default=None, description="Added to the time that the input gets, e.g. -1h; the slot stays where it is."
    )
    start_time: Timestamp | None = Field(default=None, description="No slot before this; a fixed rate counts from it.")
    end_time: Timestamp | None = Field(default=None, description="No slot at this time or later.")
    jitter: PositiveDuration | None = Field(
        default=None, description="Each slot starts up to this much later, always the same for the same slot."
    )
    starting_deadline: PositiveDuration | None = Field(
        default=None, description="A slot that has not started this long after its time is late; 200s if not given."
    )
    catch_up: CatchUp | None = Field(
        default=None, description="What becomes of late slots; if not given, the newest of the last 24h runs."
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.cron is None) == (self.fixed_rate is None):
            raise ValueError(_ONE_TIMING)
        if self.start_time is not None and self.end_time is not None and self.start_time >= self.end_time:
            raise ValueError(_ORDER)
        if self.kickoff_time_offset is not None and self.kickoff_time_input is None:
            raise ValueError(_OFFSET_NEEDS_INPUT)
        return self
