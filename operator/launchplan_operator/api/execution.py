"""LaunchPlanExecution: one run, whoever started it; a request and its record in one object."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic.config import ConfigDict

from launchplan_operator.api.labels import Annotations, Labels
from launchplan_operator.api.launchplan import RunTimeout
from launchplan_operator.api.model import (
    Condition,
    Generation,
    Message,
    Model,
    ObjectName,
    PlanName,
    Timestamp,
    Uid,
    Values,
    Version,
    Word,
    list_map,
    rule,
    rules,
)
from launchplan_operator.api.settings import Environment, Identity, MaxParallelism, RawOutputDataConfig

PlanKind = Literal["LaunchPlan", "WorkflowDefinition", "ReferenceLaunchPlan"]
_ONCE = "the spec cannot change once created, but for terminate, which can be added once"
_SAME_REF = "self.launchPlanRef == oldSelf.launchPlanRef"
#: What a run may ask for beside its inputs.
_SETTINGS = (
    "labels",
    "annotations",
    "timeout",
    "env",
    "interruptible",
    "maxParallelism",
    "rawOutputDataConfig",
    "identity",
)
_SAME_OPTIONALS = tuple(
    f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
    for field in (*_SETTINGS, "relaunchOf")
)
_PLAIN_REFERENCE = (
    "a run through a reference gives inputs and a version only; all else is the business of the plan that it runs"
)


class Phase(StrEnum):
    """Where a run stands; derived from the conditions."""

    Queued = "Queued"
    Running = "Running"
    Succeeded = "Succeeded"
    Failed = "Failed"
    TimedOut = "TimedOut"
    Aborting = "Aborting"
    Aborted = "Aborted"
    Skipped = "Skipped"
    Rejected = "Rejected"

    @property
    def terminal(self) -> bool:
        """Whether the run has ended; such a phase never changes."""
        return self not in {Phase.Queued, Phase.Running, Phase.Aborting}


class OriginType(StrEnum):
    """Who started a run."""

    Manual = "Manual"
    Schedule = "Schedule"
    CatchUp = "CatchUp"
    Relaunch = "Relaunch"
    Reference = "Reference"


class LaunchPlanRef(Model):
    """What to run: a plan, a workflow without a plan, or a plan that is somebody else's, by a reference."""

    kind: PlanKind = Field(default="LaunchPlan", description="LaunchPlan, WorkflowDefinition or ReferenceLaunchPlan.")
    name: PlanName = Field(description="Its name, in this namespace.")
    version: Version | None = Field(
        default=None,
        description="One version of it; without it a plan's active version, or the latest if none is active.",
    )


class Terminate(Model):
    """The wish to end the run."""

    cause: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        description="Why; it stands in the execution's conditions."
    )


class LaunchPlanExecutionSpec(Model):
    """What to run and with which inputs. Only terminate can be added later."""

    # CEL cannot see `inputs` by itself, whose values are of any type, but `self == oldSelf` compares it.
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.terminate) && !has(oldSelf.terminate) || self == oldSelf", _ONCE),
            rule(" && ".join((_SAME_REF, *_SAME_OPTIONALS)), _ONCE),
            rule(
                "self.launchPlanRef.kind != 'ReferenceLaunchPlan' || "
                + " && ".join(f"!has(self.{field})" for field in _SETTINGS),
                _PLAIN_REFERENCE,
            ),
        )
    )

    launch_plan_ref: LaunchPlanRef = Field(description="What to run.")
    inputs: Values = Field(default={}, description="The caller's values; they beat the plan's defaults.")
    labels: Labels | None = Field(default=None, description="Labels for the Job, instead of the plan's.")
    annotations: Annotations | None = Field(default=None, description="Annotations for the Job, instead of the plan's.")
    timeout: RunTimeout | None = Field(default=None, description="How long the run may take, instead of the plan's.")
    env: Environment | None = Field(default=None, description="Environment variables, instead of the plan's.")
    interruptible: bool | None = Field(default=None, description="As in the plan, instead of it.")
    max_parallelism: MaxParallelism | None = Field(default=None, description="As in the plan, instead of it.")
    raw_output_data_config: RawOutputDataConfig | None = Field(
        default=None, description="As in the plan, instead of it."
    )
    identity: Identity | None = Field(default=None, description="As in the plan, instead of it.")
    relaunch_of: ObjectName | None = Field(
        default=None,
        description="The execution that is run once more: its inputs and settings count where this one gives none.",
    )
    terminate: Terminate | None = Field(default=None, description="Add it to end the run; it cannot be taken back.")

    @model_validator(mode="after")
    def _asks_for_no_more(self) -> Self:
        is_plain = self.launch_plan_ref.kind == "ReferenceLaunchPlan"
        if is_plain and any(to_camel(field) in _SETTINGS for field in self.model_fields_set):
            raise ValueError(_PLAIN_REFERENCE)
        return self


class Requester(Model):
    """The execution that asked for this one through a reference."""

    namespace: ObjectName = Field(description="Its namespace.")
    reference: ObjectName = Field(description="The ReferenceLaunchPlan that it ran through.")
    execution: ObjectName = Field(description="Its name.")
    uid: Uid = Field(description="Its uid.")


class RemoteRef(Model):
    """The execution that does what this one asks for, in the namespace of the plan."""

    namespace: ObjectName = Field(description="Its namespace.")
    name: ObjectName = Field(description="Its name.")
    uid: Uid = Field(description="Its uid.")


class Origin(Model):
    """Who started the run."""

    type: OriginType = Field(description="Manual, Schedule, CatchUp, Relaunch or Reference.")
    slot: Timestamp | None = Field(default=None, description="The scheduled time.")
    requester: Requester | None = Field(default=None, description="Who asked for it from another namespace.")


class ResolvedWorkflow(Model):
    """The workflow that the run resolved to when it was accepted."""

    name: ObjectName = Field(description="Its name.")
    version: Version = Field(description="Its version.")


class JobRef(Model):
    """The Job of the run."""

    name: ObjectName = Field(description="Its name.")
    uid: Uid = Field(description="Its uid.")


class ExecutionError(Model):
    """Why the run failed."""

    kind: Literal["User", "System"] = Field(description="Whose mistake: the workflow's author's or the system's.")
    code: Word = Field(description="The cause, in one word.")
    message: Message = Field(description="The container's last words, or what the system said.")


class LaunchPlanExecutionStatus(Model):
    """How the run goes."""

    observed_generation: Generation | None = Field(
        default=None, description="The generation that the status is about; -1 until the operator has looked."
    )
    phase: Phase | None = Field(default=None, description="Where the run stands.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8, json_schema_extra=list_map("type"))] = Field(
        default=(), description="Accepted, Admitted, Succeeded; Ready, Stalled and Reconciling for tools."
    )
    origin: Origin | None = Field(default=None, description="Who started the run.")
    launch_plan_version: Version | None = Field(default=None, description="The plan's version that runs.")
    workflow: ResolvedWorkflow | None = Field(default=None, description="The workflow that runs.")
    plan_uid: Uid | None = Field(default=None, description="The uid of the plan, or of the bare workflow.")
    inputs: Values | None = Field(default=None, description="The resolved inputs.")
    outputs: Values | None = Field(default=None, description="The outputs, once the run succeeded.")
    job_ref: JobRef | None = Field(default=None, description="The Job of the run.")
    remote: RemoteRef | None = Field(
        default=None, description="The execution in the plan's namespace, of a run through a reference."
    )
    queued_time: Timestamp | None = Field(default=None, description="When the run was accepted.")
    start_time: Timestamp | None = Field(default=None, description="When the Job started.")
    completion_time: Timestamp | None = Field(default=None, description="When the run ended.")
    duration: Word | None = Field(default=None, description="From start to completion.")
    error: ExecutionError | None = Field(default=None, description="Why the run failed.")
    counted: bool = Field(default=False, description="Whether the plan's counts hold this run.")
