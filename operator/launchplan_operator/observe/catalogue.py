"""Every metric of `/metrics`: what it is called, what it counts, and by what it is told apart."""

from dataclasses import dataclass
from typing import Final, Literal

from launchplan_operator.api.execution import Phase

Type = Literal["counter", "gauge", "histogram"]
#: Under this name stand the namespaces that came after the last one that has a series of its own.
OTHER_NAMESPACES: Final = "_other"
#: How many namespaces have series of their own unless a setting says otherwise.
MAX_NAMESPACES: Final = 50


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Attributes:
        name: as Prometheus shows it; a counter's ends with `_total`.
        help: one sentence, with the unit where there is one.
        labels: the names of its labels.
        values: for each label what it may be, for people.
        buckets: the upper bounds of a histogram, in its unit.
        source: whose name it is, where others have the same.
    """

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    source: str = ""


#: What becomes of a slot, who asks for a slot's run, and the last phases of a run.
OUTCOMES: Final = ("started", "caught_up", "skipped", "expired", "missed", "unknown", "rejected", "aborted")
SLOT_ORIGINS: Final = ("Schedule", "CatchUp")
LAST_PHASES: Final = tuple(phase.value for phase in Phase if phase.terminal)

_KIND = "LaunchPlan, LaunchPlanExecution, ReferenceLaunchPlan or WorkflowDefinition"
_NAMESPACE = f"a namespace, or `{OTHER_NAMESPACES}`"
_HTTP = "GET, POST, PUT, PATCH or DELETE"
_CLIENT_GO = "client-go"
_PROCESS = "Prometheus' client libraries; Linux only"
#: As client-go's workqueue has them, without the bounds that no reconcile comes near.
_QUEUE_SECONDS = (0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_LAG_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_WAIT_SECONDS = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0)

QUEUE_DEPTH = Definition(
    "workqueue_depth", "gauge", "Objects that wait to be looked at now.", ("name",), (_KIND,), source=_CLIENT_GO
)
QUEUE_ADDS = Definition(
    "workqueue_adds_total", "counter", "Objects that were put into the queue.", ("name",), (_KIND,), source=_CLIENT_GO
)
QUEUE_SECONDS = Definition(
    "workqueue_queue_duration_seconds",
    "histogram",
    "Seconds that an object waited in the queue before it was looked at.",
    ("name",),
    (_KIND,),
    _QUEUE_SECONDS,
    _CLIENT_GO,
)
WORK_SECONDS = Definition(
    "workqueue_work_duration_seconds",
    "histogram",
    "Seconds that one look at an object took.",
    ("name",),
    (_KIND,),
    _QUEUE_SECONDS,
    _CLIENT_GO,
)
QUEUE_RETRIES = Definition(
    "workqueue_retries_total",
    "counter",
    "Looks that are to be repeated after a back-off: a write met another one, or the server did not answer.",
    ("name",),
    (_KIND,),
    source=_CLIENT_GO,
)
UNFINISHED_SECONDS = Definition(
    "workqueue_unfinished_work_seconds",
    "gauge",
    "Seconds that the looks under way have taken so far, added up; a look that is stuck lets it grow.",
    ("name",),
    (_KIND,),
    source=_CLIENT_GO,
)
LONGEST_SECONDS = Definition(
    "workqueue_longest_running_processor_seconds",
    "gauge",
    "Seconds that the longest look under way has taken so far.",
    ("name",),
    (_KIND,),
    source=_CLIENT_GO,
)
REQUESTS = Definition(
    "rest_client_requests_total",
    "counter",
    "Requests to the API server by the status of the answer; a watch is counted when it ends.",
    ("code", "method"),
    ("the HTTP status, `<error>` where no answer came", _HTTP),
    source=_CLIENT_GO,
)
REQUEST_SECONDS = Definition(
    "rest_client_request_duration_seconds",
    "histogram",
    "Seconds until the whole answer to a request was read, watches left out.",
    ("verb",),
    (_HTTP,),
    _REQUEST_SECONDS,
    _CLIENT_GO,
)
LEADER = Definition(
    "leader_election_master_status",
    "gauge",
    "1 for the replica that leads, 0 for one that stands by; missing where no leader is elected.",
    ("name",),
    ("the Lease's name",),
    source=_CLIENT_GO,
)
SLOTS = Definition(
    "launchplan_slots_total",
    "counter",
    "Slots of schedules by what became of them, counted once each when that was written down.",
    ("namespace", "outcome"),
    (_NAMESPACE, ", ".join(OUTCOMES)),
)
ADMISSION_WAIT = Definition(
    "launchplan_admission_wait_seconds",
    "histogram",
    "Seconds from when a run of a limited plan was asked for until it was admitted and had its Job.",
    buckets=_WAIT_SECONDS,
)
SLOT_LAG = Definition(
    "launchplan_slot_start_lag_seconds",
    "histogram",
    "Seconds from a slot to the start of its Job, with the plan's own jitter and the wait for a seat in it.",
    ("origin",),
    (" or ".join(SLOT_ORIGINS),),
    _LAG_SECONDS,
)
STARTED = Definition(
    "launchplan_executions_started_total",
    "counter",
    "Runs that got a Job, whoever asked for them; one through a reference counts where its Job is.",
    ("namespace", "origin"),
    (_NAMESPACE, "Schedule, CatchUp, Manual, Relaunch or Reference"),
)
ENDED = Definition(
    "launchplan_executions_ended_total",
    "counter",
    "Runs that reached their last phase.",
    ("namespace", "phase"),
    (_NAMESPACE, ", ".join(LAST_PHASES)),
)
EXECUTIONS = Definition(
    "launchplan_executions",
    "gauge",
    "Executions that there are, by phase; `New` for those that nobody looked at yet.",
    ("phase",),
    ("Queued, Running, Aborting, an ended run's, or New",),
)
RUNNING = Definition(
    "launchplan_runs_running",
    "gauge",
    "Runs that have a Job and have not ended; one through a reference counts where its Job is.",
    ("namespace",),
    (_NAMESPACE,),
)
QUEUED = Definition(
    "launchplan_runs_queued",
    "gauge",
    "Runs that wait: for a seat, for another object, or for their first look.",
    ("namespace",),
    (_NAMESPACE,),
)
PLANS = Definition("launchplan_plans", "gauge", "Launch plans that there are.", ("namespace",), (_NAMESPACE,))
STALLED = Definition(
    "launchplan_plans_stalled",
    "gauge",
    "Launch plans whose condition Stalled is True: nothing starts before somebody mends them.",
    ("namespace",),
    (_NAMESPACE,),
)
REFERENCES = Definition(
    "launchplan_references",
    "gauge",
    "References to launch plans by how they stand; all but `Resolved` start nothing.",
    ("namespace", "reason"),
    (_NAMESPACE, "the reason of the condition Ready, or New"),
)
CONFLICTS = Definition(
    "launchplan_status_conflicts_total",
    "counter",
    "Writes of a status that met another write, and were made again from what is there now.",
    ("kind",),
    (_KIND,),
)
LEDGER_CONFLICTS = Definition(
    "launchplan_ledger_conflicts_total",
    "counter",
    "Those among them that would have changed the ledger of a limited plan.",
)
STALENESS = Definition(
    "launchplan_watch_staleness_seconds",
    "gauge",
    "Seconds since the API server last told anything of a kind: an event, a bookmark, a list.",
    ("kind",),
    ("the kind that is followed",),
)
EVENTS_DROPPED = Definition(
    "launchplan_events_dropped_total", "counter", "Kubernetes events that were lost: refused, or one too many at once."
)
BUILD = Definition("launchplan_build_info", "gauge", "Always 1.", ("version",), ("the operator's version",))
PROCESS: Final = (
    Definition("process_cpu_seconds_total", "counter", "Seconds of processor time.", source=_PROCESS),
    Definition("process_resident_memory_bytes", "gauge", "Bytes of memory that are resident.", source=_PROCESS),
    Definition("process_virtual_memory_bytes", "gauge", "Bytes of virtual memory.", source=_PROCESS),
    Definition("process_start_time_seconds", "gauge", "When the process began, as a Unix time.", source=_PROCESS),
    Definition("process_open_fds", "gauge", "File descriptors that are open.", source=_PROCESS),
    Definition("process_max_fds", "gauge", "File descriptors that may be open.", source=_PROCESS),
)
CATALOGUE: Final = (
    SLOTS,
    SLOT_LAG,
    ADMISSION_WAIT,
    STARTED,
    ENDED,
    EXECUTIONS,
    RUNNING,
    QUEUED,
    PLANS,
    STALLED,
    REFERENCES,
    CONFLICTS,
    LEDGER_CONFLICTS,
    STALENESS,
    EVENTS_DROPPED,
    BUILD,
    LEADER,
    QUEUE_DEPTH,
    QUEUE_ADDS,
    QUEUE_SECONDS,
    WORK_SECONDS,
    QUEUE_RETRIES,
    UNFINISHED_SECONDS,
    LONGEST_SECONDS,
    REQUESTS,
    REQUEST_SECONDS,
    *PROCESS,
)
