"""The measurements: start-up against the floor, steady state, restart, memory."""

import asyncio
import statistics
import time
from dataclasses import dataclass, field

from bench.audit import Call, tally
from bench.floor import replay
from bench.lag import Lag
from bench.limits import Admission, Flow
from bench.processes import cpu_seconds, memory, settle
from bench.script import Script, note_start
from bench.subject import Subject, operator
from bench.world import NAMESPACE, World
from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLANS
from localcluster.places import LocalClusterError

STATUS = ("update", "launchplans/status")
WORKFLOW_STATUS = ("update", "workflowdefinitions/status")
CRONJOB = ("create", "cronjobs")
REVISION = ("create", "controllerrevisions")
_START_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Effort:
    """What something took: seconds, and processor seconds of the client and of the control plane."""

    seconds: float
    client: float
    server: float

    @property
    def processor(self) -> float:
        """All processor seconds; other work on the machine stretches them less than the seconds."""
        return self.client + self.server


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the operator with plans that nobody has looked at, and the same calls without it.

    Attributes:
        operator: from the start of the process until the last plan had its CronJob and status.
        ready: seconds until `/readyz`.
        floor: the same calls alone.
        calls: what the operator called, by verb and resource.
        size: bytes of the writes.
    """

    operator: Effort
    ready: float
    floor: Effort
    calls: dict[str, int]
    size: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the middle and the greatest of some figures."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """Some time in which nothing changed."""

    seconds: float
    calls: dict[str, int]
    writes: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Restart:
    """A start with nothing to do: seconds until `/readyz` and until the process rests, and its calls until then."""

    ready: float
    rest: float
    calls: dict[str, int]
    writes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of the operator's process, at rest and at most."""

    plans: int
    resident: float
    peak: float


@dataclass(slots=True)
class Load:
    """What runs and slots cost, with the controllers' client limits as Kubernetes has them, or lifted.

    Attributes:
        lags: of the operator, of the same writes sent bare, and of CronJobs, for each number of plans.
    """

    throttled: bool
    admissions: list[Admission] = field(default_factory=list)
    flow: Flow | None = None
    lags: list[tuple[Lag, Lag, Lag]] = field(default_factory=list)


@dataclass(slots=True)
class Results:
    """All of it."""

    plans: int
    starts: list[Start] = field(default_factory=list)
    quiet: Quiet | None = None
    restart: Restart | None = None
    memory: Memory | None = None
    plugin: list[float] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


def spread(figures: list[float]) -> Spread:
    """Return least, median and greatest."""
    return Spread(min(figures), statistics.median(figures), max(figures))


async def measure_floor(world: World) -> tuple[Effort, Script]:
    """Note what the operator would send for the plans as they are, and send that bare."""
    transport = await world.transport()
    try:
        script = await note_start(transport)
        await world.settle()
        server, client = world.cpu_seconds(), time.process_time()
        seconds = await replay(transport, script)
        return Effort(seconds, time.process_time() - client, world.cpu_seconds() - server), script
    finally:
        await transport.close()


async def measure_start(world: World, subject: Subject, plans: int, floor: Effort, script: Script) -> Start:
    """Wait until an operator that was just started has made CronJob and status of all plans.

    Raises:
        LocalClusterError: it took too long, or what it made is not right.
    """
    subject.process.await_ready()
    ready = time.time() - subject.started
    await world.audit.await_calls((CRONJOB, STATUS), plans, _START_SECONDS)
    client, server = cpu_seconds(subject.pid), world.cpu_seconds() - subject.server
    calls = world.audit.calls()
    last = max(call.at for call in calls if call.is_write)
    await _check_started(world, plans)
    return Start(Effort(last - subject.started, client, server), ready, floor, tally(calls), script.size)


async def _check_started(world: World, plans: int) -> None:
    made = {item["metadata"]["name"] for item in (await world.admin.list(CRON_JOBS, NAMESPACE)).items}
    listed = (await world.admin.list(LAUNCH_PLANS, NAMESPACE)).items
    ready = [
        item["metadata"]["name"]
        for item in listed
        if {"Ready": "True"}.items() <= {c["type"]: c["status"] for c in item["status"]["conditions"]}.items()
    ]
    if len(made) != plans or made != set(ready):
        raise LocalClusterError(
            f"expected {plans} plans to be started, found {len(ready)} ready and {len(made)} CronJobs"
        )


async def measure_quiet(world: World, subject: Subject, seconds: float) -> Quiet:
    """Count what an operator with nothing to do calls."""
    await settle([subject.pid])
    world.audit.mark()
    before = cpu_seconds(subject.pid)
    await asyncio.sleep(seconds)
    if not subject.process.is_ready():
        raise LocalClusterError("the operator ended by itself")
    return Quiet(seconds, tally(world.audit.calls()), _writes(world.audit.calls()), cpu_seconds(subject.pid) - before)


async def measure_restart(world: World) -> Restart:
    """Start the operator with everything as it left it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with operator(world) as subject:
        subject.process.await_ready()
        ready = loop.time() - began
        rest = await settle([subject.pid]) - began
        return Restart(ready, rest, tally(world.audit.calls()), _writes(world.audit.calls()))


async def measure_memory(world: World, plans: int) -> Memory:
    """Start the operator with inactive plans, and weigh it once their statuses are written and it rests."""
    with operator(world) as subject:
        await world.audit.await_calls((STATUS,), plans, _START_SECONDS)
        await settle([subject.pid])
        return Memory(plans, *memory(subject.pid))


def _writes(calls: list[Call]) -> int:
    return sum(call.is_write for call in calls)
