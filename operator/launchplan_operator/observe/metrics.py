"""What the operator tells Prometheus, put together: who is told of what, and what `/metrics` answers."""

from collections.abc import Callable, Mapping
from logging import getLogger
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.observe.catalogue import (
    ADMISSION_WAIT,
    BUILD,
    CONFLICTS,
    ENDED,
    EVENTS_DROPPED,
    LAST_PHASES,
    LEADER,
    LEDGER_CONFLICTS,
    MAX_NAMESPACES,
    OUTCOMES,
    REQUEST_SECONDS,
    REQUESTS,
    SLOT_LAG,
    SLOT_ORIGINS,
    SLOTS,
    STARTED,
    Definition,
)
from launchplan_operator.observe.decisions import (
    RunStep,
    plan_decisions,
    read_step,
    run_decisions,
    slot_counts,
)
from launchplan_operator.observe.logs import log_decisions
from launchplan_operator.observe.queueing import QueueSeries
from launchplan_operator.observe.series import Namespaces, Scraped, Values, make_counter, make_histogram
from launchplan_operator.observe.standing import Standing
from launchplan_operator.observe.watches import Watches

_KINDS: Final = (
    WORKFLOW_DEFINITIONS.kind,
    LAUNCH_PLANS.kind,
    REFERENCE_LAUNCH_PLANS.kind,
    LAUNCH_PLAN_EXECUTIONS.kind,
)
_METHODS: Final = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
_logger = getLogger(__name__)


class Metrics:
    """One process's metrics.

    Args:
        version: The operator's.
        namespaces: How many namespaces have series of their own.

    Attributes:
        queue: what the queue tells of itself.
        standing: listens to the caches of plans, references and executions.
        watches: what the watchers tell of themselves.
    """

    def __init__(self, version: str, namespaces: int = MAX_NAMESPACES, watches: Watches | None = None) -> None:
        self._registry = registry = CollectorRegistry()
        self._namespaces = Namespaces(namespaces, self._begin)
        self.queue = QueueSeries(registry, _KINDS)
        self.standing = Standing(self._namespaces)
        # First of all, since it may begin the counters of a namespace.
        registry.register(Scraped(self.standing.definitions, self.standing.read))
        self.watches = watches or Watches()
        self._requests = make_counter(REQUESTS, registry)
        self._request_seconds = make_histogram(REQUEST_SECONDS, registry)
        self._known_requests: dict[tuple[int, str], tuple[Counter, Histogram]] = {}
        self._slots, self._started = make_counter(SLOTS, registry), make_counter(STARTED, registry)
        self._ended = make_counter(ENDED, registry)
        self._lag, self._wait = make_histogram(SLOT_LAG, registry), make_histogram(ADMISSION_WAIT, registry)
        self._conflicts = make_counter(CONFLICTS, registry)
        self._ledger_conflicts = make_counter(LEDGER_CONFLICTS, registry)
        for kind in _KINDS:
            self._conflicts.labels(kind)
        for origin in SLOT_ORIGINS:
            self._lag.labels(origin)
        for part in (self.queue, self.watches):
            registry.register(Scraped(part.definitions, part.read))
        self.scrape(BUILD, lambda: {(version,): 1.0})
        ProcessCollector(registry=registry)

    def scrape(self, definition: Definition, read: Callable[[], Values]) -> None:
        """Show a metric whose values are read when somebody asks."""
        self._registry.register(Scraped((definition,), lambda: (read(),)))

    def show_leader(self, lease: str, leads: Callable[[], bool]) -> None:
        """Show whether this replica leads, by the Lease of that name."""
        self.scrape(LEADER, lambda: {(lease,): float(leads())})

    def show_dropped_events(self, dropped: Callable[[], int]) -> None:
        """Show how many Kubernetes events were lost."""
        self.scrape(EVENTS_DROPPED, lambda: {(): float(dropped())})

    def called(self, verb: str, _resource: str, status: int, seconds: float) -> None:
        """Count a request, by Kubernetes' verb; 0 is the status of one without an answer."""
        method = _METHODS.get(verb, "GET")
        known = self._known_requests.get((status, method))
        if known is None:
            # To look a series up by its labels costs more than all else here.
            known = (
                self._requests.labels(str(status) if status else "<error>", method),
                self._request_seconds.labels(method),
            )
            self._known_requests[status, method] = known
        known[0].inc()
        if verb != "watch":
            known[1].observe(seconds)

    def status_written(self, kind: Kind, obj: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """Count and log what one write of a status decided, once it is done; `obj` is the object from before it."""
        try:
            self._account(kind, obj, obj.get("status") or {}, status)
        except Exception:  # what is told of a write must not keep the write from having been done
            _logger.exception("cannot account for a status of %s", kind.kind)

    def status_conflicted(self, kind: Kind, status: Mapping[str, Any]) -> None:
        """Count a write of a status that met another write."""
        self._conflicts.labels(kind.kind).inc()
        if kind == LAUNCH_PLANS and status.get("concurrency"):
            self._ledger_conflicts.inc()

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return what `/metrics` answers to an Accept header, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _begin(self, namespace: str) -> None:
        """Begin a namespace's counters at 0."""
        for outcome in OUTCOMES:
            self._slots.labels(namespace, outcome)
        for phase in LAST_PHASES:
            self._ended.labels(namespace, phase)

    def _account(self, kind: Kind, obj: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if kind == LAUNCH_PLAN_EXECUTIONS:
            self._count_step(read_step(obj["metadata"]["namespace"], before, after))
            log_decisions(run_decisions(obj, before, after))
        elif kind == LAUNCH_PLANS:
            namespace = self._namespaces.label(obj["metadata"]["namespace"])
            for outcome, count in slot_counts(before, after).items():
                self._slots.labels(namespace, outcome).inc(count)
            log_decisions(plan_decisions(obj, before, after))

    def _count_step(self, step: RunStep) -> None:
        namespace = self._namespaces.label(step.namespace)
        if step.outcome is not None:
            self._slots.labels(namespace, step.outcome).inc()
        if step.started:
            self._started.labels(namespace, step.origin).inc()
        if step.ended is not None:
            self._ended.labels(namespace, step.ended).inc()
        if step.lag is not None:
            self._lag.labels(step.origin).observe(max(0.0, step.lag))
        if step.wait is not None:
            self._wait.observe(max(0.0, step.wait))
