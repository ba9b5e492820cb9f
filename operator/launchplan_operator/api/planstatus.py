"""LaunchPlan.status: what a plan came to, and what its runs did."""

from typing import Annotated, Any, Literal

from pydantic import Field

from launchplan_operator.api.model import (
    MAX_INPUTS,
    Condition,
    ContentHash,
    Count,
    Generation,
    InputName,
    Message,
    Model,
    ObjectName,
    ReasonText,
    Text,
    Timestamp,
    TypeText,
    Uid,
    Values,
    Version,
    Word,
    list_map,
)
from launchplan_operator.api.workflow import OutputParameter

#: How many decisions and next times a status holds.
MAX_DECISIONS = 10
MAX_NEXT_TIMES = 5
#: How many versions a status can hold; as a rule it holds far fewer.
MAX_PLAN_VERSIONS = 500
#: How many of those who refer to a plan its status names.
MAX_REFERRERS = 20
#: How many seats a ledger can hold: more than any limit, as what runs when a limit is set takes seats above it.
MAX_LEDGER = 2000


class PlanParameter(Model):
    """An input that a caller may still give."""

    name: InputName = Field(description="The input's name.")
    type: TypeText = Field(description="Its declared type.")
    required: bool = Field(description="Whether a caller must give it.")
    default: Any = Field(default=None, description="Its value if the caller gives none.")


class PlanInterface(Model):
    """What a caller may still pass, what is fixed, and what comes out."""

    parameters: Annotated[
        tuple[PlanParameter, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))
    ] = Field(default=(), description="What a caller may pass.")
    fixed_inputs: Values = Field(default={}, description="What no caller may override.")
    outputs: Annotated[
        tuple[OutputParameter, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))
    ] = Field(default=(), description="What comes out.")


class CronJobStatus(Model):
    """The CronJob that keeps the schedule."""

    name: ObjectName = Field(description="Its name.")
    uid: Uid = Field(description="Its uid.")
    generation: Count = Field(description="Its generation when it was last seen to be as wanted.")


class ScheduleStatus(Model):
    """The schedule as the operator reads it."""

    engine: Literal["CronJob", "Operator"] = Field(description="Who keeps the time.")
    text: Text | None = Field(
        default=None, description="The cron text and its zone, or the rate; with bounds, jitter and deadline."
    )
    cron_job: CronJobStatus | None = Field(default=None, description="The CronJob that keeps the schedule.")
    schedule_hash: Word | None = Field(default=None, description="A hash over all that the text says.")
    replacing: Uid | None = Field(None, description="The uid of the CronJob that goes, while the schedule changes.")
    since: Timestamp | None = Field(default=None, description="No slot before this instant belongs to this schedule.")
    last_slot: Timestamp | None = Field(default=None, description="The latest slot whose outcome is known.")
    next_times: Annotated[tuple[Timestamp, ...], Field(max_length=MAX_NEXT_TIMES)] = Field(
        default=(), description="The next slots."
    )
    warnings: Annotated[tuple[Message, ...], Field(max_length=10)] = Field(
        default=(), description="Local times ahead that a clock change skips or repeats."
    )


class Seat(Model):
    """A run that may be under way: it takes one place of the limit until its pods have ended."""

    name: ObjectName = Field(description="The execution's name, and its Job's.")
    uid: Uid = Field(description="The execution's uid; the Job's, where a run has no execution any more.")
    admitted_at: Timestamp = Field(description="When it was admitted.")
    replaced_by: ObjectName | None = Field(default=None, description="The execution for which it is being ended.")
    started: bool = Field(default=False, description="Whether its Job was seen.")


class SkippedRun(Model):
    """A run that never starts, until its own status says so."""

    name: ObjectName = Field(description="The execution's name.")
    uid: Uid = Field(description="The execution's uid.")
    reason: ReasonText = Field(description="The cause, in one word.")
    message: Message = Field(description="The cause, in a sentence.")


class ConcurrencyStatus(Model):
    """The ledger of a limited plan: no Job is made for a run that does not stand in it."""

    plan_uid: Uid = Field(description="The uid of the plan that the ledger is of; another's counts for nothing.")
    running: Annotated[tuple[Seat, ...], Field(max_length=MAX_LEDGER, json_schema_extra=list_map("uid"))] = Field(
        default=(), description="The runs that may be under way, oldest first."
    )
    skipped: Annotated[tuple[SkippedRun, ...], Field(max_length=MAX_LEDGER, json_schema_extra=list_map("uid"))] = Field(
        default=(), description="Runs that never start and do not say so themselves yet."
    )
    queued: Count = Field(default=0, description="How many runs wait for their turn.")
    hold_until: Timestamp | None = Field(
        default=None, description="Nothing is admitted before this: the ledger was lost, and late writes may arrive."
    )


class RunCounts(Model):
    """How runs and slots ended since the plan was made."""

    started: Count = Field(default=0, description="Runs that started and ended, whichever way.")
    succeeded: Count = Field(default=0, description="Runs that succeeded.")
    failed: Count = Field(default=0, description="Runs that failed.")
    timed_out: Count = Field(default=0, description="Runs that took longer than the time-out.")
    aborted: Count = Field(default=0, description="Runs that were terminated.")
    rejected: Count = Field(default=0, description="Runs that could not start.")
    skipped: Count = Field(default=0, description="Runs that were recorded and not started.")
    expired: Count = Field(
        default=0, description="Runs that waited too long; they are skipped, and counted here alone."
    )
    missed: Count = Field(default=0, description="Slots for which no run was made.")
    unknown: Count = Field(default=0, description="Slots of which no trace is left.")


class CountedExecution(Model):
    """An execution that is in the counts but not yet marked so itself."""

    uid: Uid = Field(description="The execution's uid.")


class LastExecution(Model):
    """The run that ended or started last."""

    name: ObjectName = Field(description="The execution's name.")
    phase: Word = Field(description="Its phase.")
    time: Timestamp | None = Field(default=None, description="When it reached that phase.")


class Decision(Model):
    """What was decided about a slot or a run, and why."""

    time: Timestamp = Field(description="When it was decided.")
    slot: Timestamp | None = Field(default=None, description="The slot that it was about.")
    execution: ObjectName | None = Field(default=None, description="The execution that it was about.")
    outcome: Word = Field(description="What was decided.")
    reason: ReasonText | None = Field(default=None, description="The cause, in one word.")
    message: Message | None = Field(default=None, description="The cause, in a sentence.")


class PlanVersion(Model):
    """A version of the plan, kept with the workflow that it resolved to."""

    version: Version = Field(description="The version.")
    hash: ContentHash = Field(
        description="The SHA-256 of its content, in hex: a revision with another one is no revision."
    )
    workflow: Version = Field(description="The version of the workflow that it resolved to.")


class Referrer(Model):
    """A ReferenceLaunchPlan that names the plan."""

    namespace: ObjectName = Field(description="The reference's namespace.")
    name: ObjectName = Field(description="The reference's name.")
    allowed: bool = Field(description="Whether allowReferencesFrom lets it see and start the plan.")


class References(Model):
    """Who refers to the plan."""

    count: Count = Field(description="How many references name the plan.")
    refused: Count = Field(default=0, description="How many of them are not allowed; to them the plan is not there.")
    from_: Annotated[
        tuple[Referrer, ...], Field(max_length=MAX_REFERRERS, json_schema_extra=list_map("namespace", "name"))
    ] = Field(default=(), alias="from", description="The first of them by namespace and name.")


class LaunchPlanStatus(Model):
    """What the operator knows about the plan."""

    observed_generation: Generation | None = Field(
        default=None, description="The generation that the status is about; -1 until the operator has looked."
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8, json_schema_extra=list_map("type"))] = Field(
        default=(), description="Ready: the plan does what its spec says. Stalled: not before somebody mends it."
    )
    active_version: Version | None = Field(default=None, description="The version that the schedule starts.")
    latest_version: Version | None = Field(default=None, description="The newest valid version.")
    versions: Annotated[
        tuple[PlanVersion, ...], Field(max_length=MAX_PLAN_VERSIONS, json_schema_extra=list_map("version"))
    ] = Field(default=(), description="The versions that can be run, newest last.")
    interface: PlanInterface | None = Field(
        default=None, description="What a caller may still pass, and what comes out."
    )
    schedule: ScheduleStatus | None = Field(default=None, description="The schedule as the operator reads it.")
    running: Count | None = Field(default=None, description="How many runs have not ended.")
    concurrency: ConcurrencyStatus | None = Field(default=None, description="Who may be under way, under a limit.")
    counts: RunCounts = Field(default=RunCounts(), description="How runs and slots ended since the plan was made.")
    uncounted: Annotated[tuple[CountedExecution, ...], Field(max_length=1000, json_schema_extra=list_map("uid"))] = (
        Field((), description="Executions that are counted here but not yet marked so themselves.")
    )
    last_execution: LastExecution | None = Field(default=None, description="The run that ended or started last.")
    decisions: Annotated[tuple[Decision, ...], Field(max_length=MAX_DECISIONS)] = Field(
        default=(), description="The latest decisions, newest last."
    )
    references: References | None = Field(
        default=None, description="Who refers to the plan; nothing where nobody does."
    )
