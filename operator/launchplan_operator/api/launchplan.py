"""LaunchPlan.spec: how a workflow runs. One workflow with default inputs, fixed inputs, a schedule and run settings."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from launchplan_operator.api.concurrency import Concurrency
from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.consent import ReferenceConsent
from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.labels import Annotations, Labels
from launchplan_operator.api.model import Duration, Model, PlanName, Values, Version, rule, rules
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.api.settings import Environment, Identity, MaxParallelism, RawOutputDataConfig

MAX_INT32 = 2**31 - 1

_WHOLE_SECONDS = "expected whole seconds, one at least"
# CEL sees milliseconds and no less; what is finer becomes a finding.
_TIMEOUT_RULE = rule(
    "duration(self).getMilliseconds() >= 1000 && duration(self).getMilliseconds() % 1000 == 0", _WHOLE_SECONDS
)


def _check_timeout(text: str) -> str:
    duration = parse_go_duration(text)
    if duration is None or duration < timedelta(seconds=1) or duration % timedelta(seconds=1):
        raise PydanticCustomError(Reason.DurationInvalid.value, _WHOLE_SECONDS)
    return text


RunTimeout = Annotated[Duration, Field(json_schema_extra=rules(_TIMEOUT_RULE)), AfterValidator(_check_timeout)]
KeptRuns = Annotated[int, Field(ge=0, le=1000)]


class WorkflowRef(Model):
    """The workflow that runs."""

    name: PlanName = Field(description="The name of a WorkflowDefinition in this namespace.")
    version: Version | None = Field(default=None, description="One version of it; without it, always the latest.")


class History(Model):
    """How many ended executions are kept, with their Jobs; none is removed within 15 minutes of its end."""

    succeeded: KeptRuns = Field(default=10, description="How many that succeeded.")
    failed: KeptRuns = Field(default=10, description="How many that failed, timed out or were aborted.")
    skipped: KeptRuns = Field(default=10, description="How many that were skipped or rejected.")
    ttl: Duration | None = Field(default=None, description="How long an ended execution is kept at most, e.g. 72h.")


_LIMIT_NEEDS_OPERATOR = "the CronJob engine knows no limit: expected engine Auto or Operator, or no concurrency"
_NAMED_NEEDS_NAMED = (
    "a plan with a version of its own needs workflowRef.version: else the workflow could change under it"
)


class LaunchPlanSpec(Model):
    """How a workflow runs: its inputs, its schedule and its run settings."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("!has(self.version) || has(self.workflowRef.version)", _NAMED_NEEDS_NAMED),
            rule(
                "!has(self.concurrency) || !has(self.schedule) || self.schedule.engine != 'CronJob'",
                _LIMIT_NEEDS_OPERATOR,
            ),
        )
    )

    workflow_ref: WorkflowRef = Field(description="The workflow that runs.")
    version: Version | None = Field(
        default=None,
        description="The version's name; without it, ten hex digits of a hash over all that a run depends on.",
    )
    default_inputs: Values = Field(
        default={}, description="Values that a caller may override; they beat the workflow's own."
    )
    fixed_inputs: Values = Field(default={}, description="Values that no caller may override.")
    schedule: Schedule | None = Field(
        default=None, description="When the plan runs by itself; without it, only by hand."
    )
    labels: Labels = Field(default={}, description="Labels for executions and Jobs.")
    annotations: Annotations = Field(default={}, description="Annotations for executions and Jobs.")
    auto_activate: bool = Field(
        default=False, description="Make the newest valid version the active one. While false, no schedule starts."
    )
    active_version: Version | None = Field(
        default=None,
        description="Make this version the active one, whatever autoActivate says: to pin or to roll back.",
    )
    suspend: bool = Field(default=False, description="Let no slot start, nor replay it afterwards. Manual runs go on.")
    concurrency: Concurrency | None = Field(
        default=None, description="How many runs may be under way at once; without it, any number."
    )
    history: History = Field(default=History(), description="How many ended executions are kept.")
    timeout: RunTimeout | None = Field(default=None, description="How long a run may take, e.g. 1h30m.")
    retries: Annotated[int, Field(ge=0, le=MAX_INT32)] | None = Field(
        default=None, description="How often a failed pod is replaced (the Job's backoffLimit); else the template's."
    )
    env: Environment = Field(default=(), description="Environment variables, as far as the workflow allows them.")
    interruptible: bool | None = Field(default=None, description="Whether runs may land on nodes that may go away.")
    max_parallelism: MaxParallelism | None = Field(
        default=None, description="How many pods of a run may run at once at most; 0 is no limit of its own."
    )
    raw_output_data_config: RawOutputDataConfig | None = Field(
        default=None, description="Where runs put outputs that are larger than a termination message."
    )
    identity: Identity | None = Field(
        default=None, description="Who the runs are and which secrets they get, as far as the workflow allows it."
    )

    allow_references_from: ReferenceConsent = Field(
        default=ReferenceConsent(), description="Whose ReferenceLaunchPlans may see and start the plan."
    )

    @model_validator(mode="after")
    def _names_both(self) -> Self:
        if self.version is not None and self.workflow_ref.version is None:
            raise ValueError(_NAMED_NEEDS_NAMED)
        return self
