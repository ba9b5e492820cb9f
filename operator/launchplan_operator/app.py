"""The composition root: settings, connection, caches, kopf, and the queue's workers."""

import asyncio
import contextlib
import logging
import random
import signal
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

import kopf

from launchplan_operator import __version__
from launchplan_operator.api.kinds import CRON_JOBS, JOBS, NAMESPACES, PODS, Kind
from launchplan_operator.frame import kopf_settings, register_login, tell_signs
from launchplan_operator.handlers import OWN_KINDS, Triggers, register
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.connection import AiohttpTransport
from launchplan_operator.kube.credentials import ConfigException, Credentials, pod_namespace
from launchplan_operator.kube.elector import CALL_SECONDS, Elector, LeadershipLostError
from launchplan_operator.kube.events import EventRecorder
from launchplan_operator.kube.prerequisites import Prerequisites
from launchplan_operator.kube.queue import Key, Queue
from launchplan_operator.kube.transport import Transport
from launchplan_operator.kube.watch import Reflector
from launchplan_operator.observe.health import Health, serve_health
from launchplan_operator.observe.logs import configure_logs
from launchplan_operator.observe.metrics import Metrics
from launchplan_operator.observe.watches import Watches
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.execution import reconcile_execution
from launchplan_operator.reconcile.plan import reconcile_plan
from launchplan_operator.reconcile.reference import reconcile_reference
from launchplan_operator.reconcile.result import Failed, Outcome, settle
from launchplan_operator.reconcile.workflow import reconcile_workflow
from launchplan_operator.render import labels
from launchplan_operator.settings import Settings

#: The kinds that our own watcher follows: only what bears our label.
_LABELLED_KINDS = (CRON_JOBS, JOBS, PODS)
#: All that is followed; namespaces come last, as who serves only some of them does not see them.
_KINDS = (*OWN_KINDS, *_LABELLED_KINDS, NAMESPACES)
_RECONCILERS: dict[str, Callable[[Context, str, str], Awaitable[Outcome]]] = {
    "WorkflowDefinition": reconcile_workflow,
    "LaunchPlan": reconcile_plan,
    "ReferenceLaunchPlan": reconcile_reference,
    "LaunchPlanExecution": reconcile_execution,
}
#: Seconds that kopf waits at most for the queue to be done with what was there at the start.
_FIRST_WORK_SECONDS = 30.0
_ELECTION_CONNECTIONS = 2
_DEFAULT_NAMESPACE = "default"
_logger = logging.getLogger(__name__)


class _StoppedError(Exception):
    """The process was told to end."""


class _BlindError(Exception):
    """Our own kinds cannot be followed any more: a CRD or a right is gone, or the server said what kopf cannot read."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Everything that runs, put together but not started.

    Attributes:
        elector: None where all replicas work.
        awake: Set once keys are woken: from the start, or when this replica leads.
    """

    context: Context
    queue: Queue
    triggers: Triggers
    reflectors: tuple[Reflector, ...]
    recorder: EventRecorder
    metrics: Metrics
    elector: Elector | None = None
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_synced(self) -> bool:
        """Whether every cache was filled once."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    async def run(self) -> None:
        """Fill the caches, then work until cancelled. Our own kinds' watches are somebody else's: kopf's."""
        async with asyncio.TaskGroup() as group:
            for reflector, kind in zip(self.reflectors, _KINDS, strict=False):
                group.create_task(reflector.run_without_watch() if kind in OWN_KINDS else reflector.run())
            for reflector in self.reflectors:
                await reflector.synced.wait()
            _logger.info("the caches are filled", extra={"queued": self.queue.depth})
            group.create_task(self.work())

    async def work(self) -> None:
        """Reconcile until cancelled; where a leader is elected, wait to be it, and end when that is lost.

        A replica that stands by keeps its caches and wakes no keys: once it leads it wakes those of all that there is,
        as after a start.
        """
        if self.elector is None:
            self.context.caches.inherit_runs()
            await self._reconcile()
            return
        try:
            await self.elector.acquire()
            async with asyncio.TaskGroup() as group:
                group.create_task(self.elector.hold())
                group.create_task(self._take_over())
        finally:
            await self.elector.release()

    async def _take_over(self) -> None:
        """Work on what an earlier leader left: a watch may lag behind, so that all it wrote is listed once more first."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.refresh())
        self.context.caches.inherit_runs()
        self.wake()
        await self._reconcile()

    def wake(self) -> None:
        """Wake the keys of all that the caches hold, and from now on of what changes."""
        self.triggers.follow()
        self.awake.set()

    async def first_work(self) -> None:
        """Wait until the queue is done with what was there at the start; whoever stands by has nothing to do."""
        if self.elector is not None:
            await self.elector.tried.wait()
            if not self.elector.may_write():
                return
        await self.awake.wait()
        await self.queue.idle()

    async def _reconcile(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.recorder.run())
            group.create_task(self.queue.run())


def assemble(
    settings: Settings,
    transport: Transport,
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
    elector: Elector | None = None,
    metrics: Metrics | None = None,
) -> Operator:
    """Put the operator together around a transport, a clock and a source of randomness.

    With an elector it writes nothing but while that one leads; the elector's own calls are its own.
    """
    metrics = metrics or Metrics(__version__, settings.metrics_namespaces)
    fence = elector.may_write if elector else None
    client = Client(transport, timeout=settings.request_timeout, fence=fence, on_call=metrics.called)
    caches = Caches()
    caches.plans.listen(metrics.standing.plan_changed)
    caches.references.listen(metrics.standing.reference_changed)
    caches.executions.listen(metrics.standing.execution_changed)
    recorder = EventRecorder(client, clock)
    began = clock()
    # Where nobody is elected, an earlier process may have died just now, with requests under way.
    leader_since = elector.leader_since if elector is not None else lambda: began
    elected = elector is not None
    context = Context(
        client,
        caches,
        recorder,
        clock,
        settings.defaults,
        leader_since,
        elected=elected,
        served=frozenset(settings.namespaces),
        witness=metrics,
    )
    metrics.show_dropped_events(lambda: recorder.dropped)

    async def process(key: Key) -> None:
        outcome = await _RECONCILERS[key[0]](context, key[1], key[2])
        if isinstance(outcome, Failed):
            _logger.info("trying again: %s", outcome.why, extra=_names(key))
        settle(queue, key, outcome)

    queue = Queue(process, workers=settings.workers, rng=rng, on_error=_report, observer=metrics.queue)
    triggers = Triggers(queue, caches)

    def take_own_write(kind: Kind, obj: dict[str, Any]) -> None:
        triggers.own_write = True
        try:
            caches.take(kind, obj)
        finally:
            triggers.own_write = False

    client.on_written = take_own_write
    reflectors = tuple(_reflectors(settings, client, caches, rng, metrics.watches))
    operator = Operator(context, queue, triggers, reflectors, recorder, metrics, elector)
    if elector is None:
        operator.wake()
    return operator


async def run(settings: Settings) -> int:
    """Run the operator against the cluster that the environment names, until it is told to end.

    Returns:
        The exit code: 0, 1 if this replica led and does so no more or cannot follow our kinds, or 2 if it has no credentials to begin with.
    """
    configure_logs(settings.log_level)
    try:
        credentials = await _credentials(settings)
    except (ConfigException, OSError) as error:
        _logger.error("cannot begin: no credentials for an API server: %s", error)  # noqa: TRY400 - it says all there is
        return 2
    rng = random.SystemRandom()
    async with contextlib.AsyncExitStack() as stack:
        transport = AiohttpTransport(credentials, settings.connections)
        stack.push_async_callback(transport.close)
        metrics = Metrics(__version__, settings.metrics_namespaces)
        elector = None
        if settings.leader_election:
            # Connections of its own: no burst of other calls may keep a renewal waiting.
            elections = AiohttpTransport(credentials, _ELECTION_CONNECTIONS)
            stack.push_async_callback(elections.close)
            elector = _elector(settings, elections, rng, metrics)
        operator = assemble(settings, transport, clock=_now, rng=rng, elector=elector, metrics=metrics)
        needs = Prerequisites(
            transport, credentials.url, namespaces=settings.namespaces, rng=rng, timeout=settings.request_timeout
        )
        if settings.health_port:
            stack.push_async_callback(await serve_health(settings.health_port, _health(operator, needs)))
        await needs.wait()
        return await _run(settings, credentials, operator)


async def _run(settings: Settings, credentials: Credentials, operator: Operator) -> int:
    code, watching = 0, asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(operator.run())
            group.create_task(_watch_with_kopf(settings, credentials, operator, watching))
            group.create_task(_end_when_told(watching, working))
    except* _StoppedError:
        _logger.info("stopped")
    except* LeadershipLostError as lost:
        _logger.error("leadership is lost, the process ends: %s", _first(lost))  # noqa: TRY400 - a fate and no bug
        code = 1
    except* _BlindError as blind:
        # Whoever is started next says what is missing, and waits for it.
        _logger.error("our own kinds cannot be followed, the process ends: %s", _first(blind))  # noqa: TRY400 - as above
        code = 1
    return code


async def _end_when_told(watching: asyncio.Event, working: asyncio.Task[None]) -> NoReturn:
    """Take the process's signals back from kopf, which would let everything run on for five seconds.

    The work ends first and by itself: kopf in its end cancels whatever began after it.
    """
    await watching.wait()
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    working.cancel()
    await asyncio.wait([working])
    raise _StoppedError


async def _watch_with_kopf(
    settings: Settings, credentials: Credentials, operator: Operator, watching: asyncio.Event | None = None
) -> None:
    for reflector in operator.reflectors:
        await reflector.synced.wait()
    # Until the first work is done, news would wait behind it, and cost it time. kopf begins with a list of its own.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_WORK_SECONDS):
            await operator.first_work()
    registry = kopf.OperatorRegistry()
    listers = dict(zip(OWN_KINDS, operator.reflectors, strict=False))
    register(registry, operator.context.caches, lambda kind: listers[kind].repair_soon())
    register_login(registry, credentials)
    try:
        await kopf.operator(
            registry=registry,
            settings=tell_signs(kopf_settings(), operator.metrics.watches.note),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            ready_flag=watching,
        )
    except Exception as error:
        raise _BlindError(str(error)) from error
    # Told to end before its signals were taken back, kopf returns.
    raise _StoppedError


async def _credentials(settings: Settings) -> Credentials:
    if settings.in_cluster:
        return await Credentials.from_service_account()
    return await Credentials.from_kubeconfig(None, settings.context or None)


def _elector(settings: Settings, transport: Transport, rng: random.Random, metrics: Metrics) -> Elector:
    namespace = settings.lease_namespace or (pod_namespace() if settings.in_cluster else _DEFAULT_NAMESPACE)
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    client = Client(transport, timeout=CALL_SECONDS, on_call=metrics.called)
    elector = Elector(client, namespace, settings.lease_name, identity, clock=_now, rng=rng)
    metrics.show_leader(settings.lease_name, elector.may_write)
    return elector


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the one exception of a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _now() -> datetime:
    return datetime.now(UTC)


def _reflectors(
    settings: Settings, client: Client, caches: Caches, rng: random.Random, watches: Watches
) -> list[Reflector]:
    namespaces = settings.namespaces or None
    found = []
    for kind in _KINDS[:-1] if namespaces else _KINDS:
        cache = caches.of(kind)
        if cache is not None:
            selector = labels.MANAGED_SELECTOR if kind in _LABELLED_KINDS else None
            # Our own kinds are watched by kopf: that they are listed says nothing of the watch.
            on_sign = None if kind in OWN_KINDS else watches.note
            found.append(
                Reflector(client, kind, cache, namespaces=namespaces, labels=selector, rng=rng, on_sign=on_sign)
            )
    return found


def _health(operator: Operator, needs: Prerequisites) -> Health:
    def ailment() -> str:
        stuck = operator.metrics.watches.stuck()
        return f"stuck, and heard nothing for minutes: the watch of {', '.join(stuck)}" if stuck else ""

    def unreadiness() -> str:
        return needs.obstacle or ("" if operator.is_synced else "the caches are being filled")

    return Health(ailment, unreadiness, operator.metrics.render)


def _report(key: Key, error: Exception) -> None:
    _logger.error("reconciling failed", exc_info=error, extra=_names(key))


def _names(key: Key) -> dict[str, str]:
    return dict(zip(("kind", "namespace", "object"), key, strict=True))
