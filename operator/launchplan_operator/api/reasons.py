"""Every reason that a condition, an event or a decision of ours may give, with its meaning."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """One cause in one word; its `meaning` is the sentence that the documentation shows."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member of its text and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    # Ready is True.
    Active = "Active", "The plan is valid and its schedule, if any, starts runs."
    Inactive = "Inactive", "The plan is valid, but no version is active: only manual runs start."
    Suspended = "Suspended", "The plan is valid and active, but suspended: no slot fires and none is replayed later."
    Valid = "Valid", "The workflow is valid: plans may use it."
    Resolved = "Resolved", "The reference names a plan whose interface fits: runs through it start."

    # A workflow is not valid by itself.
    TypeInvalid = "TypeInvalid", "A declared type is not in the type grammar."
    DefaultInvalid = "DefaultInvalid", "An input's default is not of the input's declared type."
    InputNameCollision = "InputNameCollision", "Two inputs would share one environment name."
    ContainerUnknown = "ContainerUnknown", "The container that shall carry the outputs is not in the template."
    ReservedName = "ReservedName", "The template, the plan or the run sets a name that the operator sets itself."
    VersionConflict = "VersionConflict", "The version's name already stands for other content."
    JobRefused = "JobRefused", "The API server refuses the Job that the template makes; the message is the server's."

    # A plan is not valid, or not valid together with its workflow.
    InvalidSpec = "InvalidSpec", "The stored spec does not fit this version's schema."
    WorkflowNotFound = "WorkflowNotFound", "The workflow does not exist in this namespace."
    WorkflowVersionNotFound = (
        "WorkflowVersionNotFound",
        "The workflow has another version now, and no version of this plan kept the one that is asked for.",
    )
    WorkflowTooLarge = "WorkflowTooLarge", "Plan and workflow together are larger than one object can hold."
    WorkflowInvalid = "WorkflowInvalid", "The workflow exists, but is not valid itself."
    UnexpectedInput = "UnexpectedInput", "A value names an input that the workflow does not declare."
    TypeMismatch = "TypeMismatch", "A value is not of its input's declared type."
    InputInBoth = "InputInBoth", "An input stands among both the default and the fixed inputs."
    InputsTooLarge = "InputsTooLarge", "The resolved inputs are larger than a pod's annotations can carry."
    ScheduleUnboundInput = "ScheduleUnboundInput", "A scheduled plan leaves a required input without a value."
    CronInvalid = "CronInvalid", "The cron text is not one that Kubernetes' own parser takes."
    CronTooFine = "CronTooFine", "The rate is no whole number of minutes."
    CronNeverFires = "CronNeverFires", "No date of the calendar fits the cron text, or none lies between start and end."
    TimeZoneUnknown = "TimeZoneUnknown", "The time zone is not in the time zone database."
    EngineCannotServe = "EngineCannotServe", "A CronJob, on which the plan insists, cannot keep this schedule."
    KickoffUnknown = "KickoffUnknown", "The workflow has no input of the name that shall get the slot's time."
    KickoffFixed = "KickoffFixed", "The input that shall get the slot's time is fixed by the plan."
    KickoffWrongType = "KickoffWrongType", "The input that shall get the slot's time is no datetime."
    JitterTooLong = "JitterTooLong", "The jitter is as long as the time between two slots, or longer."
    DurationInvalid = "DurationInvalid", "A duration is no Go duration text, or out of bounds."
    NotPermitted = "NotPermitted", "A plan or a run asks for what the workflow's allow does not list."
    LabelInvalid = "LabelInvalid", "A label or an annotation is not one that Kubernetes takes, or is reserved."
    VersionNotFound = "VersionNotFound", "The plan, or the bare workflow, has no such version."
    RevisionTampered = "RevisionTampered", "The object that keeps a version is not the one that the operator made."
    RevisionRefused = "RevisionRefused", "The API server refuses the object that would keep the version."
    CronJobNameTaken = "CronJobNameTaken", "A CronJob of the plan's name exists that is not ours; it is left untouched."
    CronJobAdopted = "CronJobAdopted", "The plan took over a CronJob of its name, as its annotation asks."
    ScheduleChangePending = "ScheduleChangePending", "The old CronJob is being replaced by one with the new schedule."

    SelectorNeedsClusterMode = (
        "SelectorNeedsClusterMode",
        "An operator that serves some namespaces only cannot see the labels of others, by which the plan chooses.",
    )

    # A reference does not stand for a plan that fits.
    ReferenceToItself = "ReferenceToItself", "The reference names its own namespace and its own name as the plan."
    ReferenceToReference = "ReferenceToReference", "What the reference names is no plan but another reference."
    TargetUnavailable = (
        "TargetUnavailable",
        "The plan that the reference names is not there, or does not allow references from this namespace.",
    )
    TargetInactive = "TargetInactive", "The reference names no version, and no version of the plan is active."
    InterfaceMismatch = (
        "InterfaceMismatch",
        "The plan does not take what the reference passes, or give what it expects.",
    )

    # A run cannot start, or not yet.
    PlanNotFound = "PlanNotFound", "The launch plan does not exist in this namespace."
    PlanInvalid = "PlanInvalid", "The launch plan is not valid: nothing starts until it is mended."
    PlanDeleted = "PlanDeleted", "The launch plan was deleted before the run started."
    ReferenceNotFound = "ReferenceNotFound", "The ReferenceLaunchPlan does not exist in this namespace."
    ReferenceInvalid = (
        "ReferenceInvalid",
        "The reference does not stand for a plan that fits: nothing starts through it.",
    )
    ReferenceNotAllowed = (
        "ReferenceNotAllowed",
        "The plan does not allow references from the namespace that asked for the run, or does so no more.",
    )
    AwaitingRequester = (
        "AwaitingRequester",
        "The execution that asked for the run through a reference has not noted it yet: nothing starts before.",
    )
    RequesterGone = (
        "RequesterGone",
        "The execution that asked for the run through a reference is gone, or ended before it counted on it.",
    )
    RemoteNameTaken = (
        "RemoteNameTaken",
        "In the plan's namespace somebody else's execution has the name that the run would have there.",
    )
    RemoteRefused = "RemoteRefused", "The API server refuses the execution in the plan's namespace."
    RemoteDeleted = "RemoteDeleted", "The execution in the plan's namespace was deleted before it had ended."
    ExecutionNotFound = "ExecutionNotFound", "The execution that shall be run once more does not exist."
    FixedInputOverride = "FixedInputOverride", "The caller gives a value to an input that the plan fixes."
    MissingInput = "MissingInput", "A required input has no value."
    JobNameTaken = "JobNameTaken", "A Job of the run's name exists that is not ours; it is left untouched."
    SlotNameTaken = "SlotNameTaken", "A person's object sits on the name that belongs to a slot."
    Accepted = "Accepted", "The run was checked: its version, inputs and Job are fixed."
    Queued = "Queued", "The run was accepted and its Job is yet to be made."

    # A run waits for its turn under the plan's limit, or never gets it.
    WaitingForSeat = "WaitingForSeat", "The plan's limit is reached: the run starts when another one has ended."
    LedgerHeld = "LedgerHeld", "The plan's ledger was lost and rebuilt: nothing is admitted until late writes are over."
    LimitReached = "LimitReached", "The plan's limit was reached, and its behavior is to skip."
    QueueFull = "QueueFull", "As many runs as the queue may hold waited already."
    QueueExpired = "QueueExpired", "The run waited longer than it may."
    Superseded = "Superseded", "A newer run took the place of this one, which waited to replace another."
    Replaced = "Replaced", "The run was ended to make room for a newer one."
    Deactivated = "Deactivated", "The plan became inactive while the scheduled run waited."
    ExecutionDeleted = "ExecutionDeleted", "The execution was deleted after it was admitted and before it started."
    PodLingering = "PodLingering", "A pod of an ended run has not ended: its run keeps its place under the limit."

    # How a run goes and ends.
    Running = "Running", "The Job was made and has not ended."
    Succeeded = "Succeeded", "The Job completed and every declared output was read."
    JobFailed = "JobFailed", "The Job failed; the error holds the container's last words."
    OutputInvalid = "OutputInvalid", "A declared output is missing or not of its type."
    OutputsLost = "OutputsLost", "The pod was gone before its outputs were read."
    TimedOut = "TimedOut", "The run took longer than its time-out."
    Aborting = "Aborting", "The run was told to terminate and its pods are ending."
    Aborted = "Aborted", "The run was terminated on request."
    JobDeleted = "JobDeleted", "The Job was deleted by hand while it ran; it is never made again."

    # What happened to a slot, or to the CronJob; seen in events and decisions.
    Missed = "Missed", "The slot passed and no run was made for it."
    CaughtUp = "CaughtUp", "The slot was late and its run was started afterwards, as catchUp says."
    ScheduleDisagreement = (
        "ScheduleDisagreement",
        "The CronJob fired at a time that is no slot as the operator reads the schedule.",
    )
    Unknown = "Unknown", "The CronJob fired the slot, but neither Job nor execution is left to tell how it ended."
    CronJobChanged = "CronJobChanged", "The plan's CronJob was brought back to what the plan says."
    TerminateIgnored = "TerminateIgnored", "The run had ended already when it was told to terminate."

    # What a manifest is refused for before the operator sees it; only `kubectl launchplan lint` gives these.
    ManifestUnreadable = "ManifestUnreadable", "The text is no YAML or JSON that kubectl reads without loss."
    KindUnknown = "KindUnknown", "The object's kind or version is not one that the operator serves."
    NameInvalid = "NameInvalid", "The object's name or namespace is not one that the API server takes."
    UnknownField = "UnknownField", "The schema has no such field: the API server drops it, or refuses the object."
    RunNameFixed = "RunNameFixed", "A run with a fixed name is synced from Git: it runs once, not at each sync."
    DefinedTwice = "DefinedTwice", "An object of this kind and name stands twice in the manifests: the last one wins."
