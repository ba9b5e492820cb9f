"""The torture test: everything around two operators breaks at once, and a log of all that happened is judged afterwards.

`python -m tests.cluster.torture --passes 20` is the full search; `make torture` runs it. Each pass has a cluster of its
own. Neither operator knows of the other: their election is off.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS
from launchplan_operator.decide.slottimes import slot_name, slot_of_name
from localcluster.api import ApiUnavailableError
from localcluster.cluster import LocalCluster
from localcluster.operated import ROOT, OperatorProcess, free_port, install, write_operator_kubeconfig
from localcluster.places import Say
from tests.cluster import verdict
from tests.cluster.faults import Faults, Victim
from tests.cluster.recorder import Recorder, Seen
from tests.cluster.support import EVERY_MINUTE, OUTPUTS, Object, Space, plan, run_of, words, workflow
from tests.cluster.wire import Wire
from tests.fake.virtual import seeded

REPORT = ROOT / "build" / "torture" / "report.json"
_KINDS = (LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS, JOBS, PODS)
_OURS = EVERY_MINUTE | {"engine": "Operator"}
_KEEP_ALL = {"succeeded": 1000, "failed": 1000, "skipped": 1000}
_QUEUE = "queue"
_CLIENTS = 4
_SETTLE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done to whom.

    Attributes:
        plans: how many fire every minute; of each ten one has a limit, and one a CronJob.
        runs: how many a person asks for at once, of a plan that lets three run.
        faults: for how many seconds things break.
        outage: for how many of them the controllers stand still.
        calm: seconds afterwards until the schedules end; with 340 also what the controllers left out is caught up.
    """

    plans: int = 200
    runs: int = 500
    faults: float = 180.0
    outage: float = 150.0
    calm: float = 340.0


QUICK = Size(runs=120, faults=90.0, outage=40.0, calm=10.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass showed.

    Attributes:
        broken: each promise that was not kept.
        faults: how often each kind of fault struck.
        outages: from when to when the controllers stood still, in ISO 8601.
        seen: how many changes the log has, and how many of them a list stands for.
    """

    seed: int
    seconds: float
    broken: list[str]
    faults: dict[str, int]
    outages: list[list[str]]
    slots: int
    runs: int
    seen: tuple[int, int]


def torture(cluster: LocalCluster, directory: Path, seed: int, size: Size, say: Say) -> Outcome:
    """Make one pass on a fresh cluster; `directory` gets the operators' logs."""
    began = time.monotonic()
    install(cluster.kubectl)
    with ExitStack() as stack:
        api = stack.enter_context(closing(cluster.api()))
        space = Space(api, "default", cluster.kubectl, cluster.audit_log)
        recorder = stack.enter_context(Recorder(cluster.api(), _KINDS, "default"))
        victims = [stack.enter_context(_operator(cluster, directory, name)) for name in "ab"]
        names = _make_plans(space, size)
        say(f"{len(names)} plans are active")
        faults = Faults(cluster, victims, seeded(seed), say)
        _ask_for_runs(cluster, size)
        faults.rage(size.faults, size.outage)
        say(f"calm for {size.calm:.0f} s")
        time.sleep(size.calm)  # whatever is late is caught up meanwhile
        ended = _end_schedules(space, names)
        say("everything is to end")
        _await_end(space, [*names, _QUEUE])
        log = recorder.seen()
        broken = list(_judge(log, space, names, ended, faults.outages))
        if broken:
            _keep_log(log, directory / "log.jsonl")
        slots = sum(len(_slots(log, name, ended)) for name in names)
        seen = (len(log), sum(each.in_gap for each in log))
    outages = [[each.isoformat() for each in outage] for outage in faults.outages]
    return Outcome(seed, time.monotonic() - began, broken, dict(faults.struck), outages, slots, size.runs, seen)


@contextmanager
def _operator(cluster: LocalCluster, directory: Path, name: str) -> Iterator[Victim]:
    """Run one operator, connected by a wire of its own."""
    with Wire(int(cluster.url.rpartition(":")[2])) as wire:
        admin = json.loads(cluster.kubeconfig.read_text())
        admin["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{wire.port}"
        kubeconfig = write_operator_kubeconfig(cluster.kubectl, directory / f"{name}.kubeconfig", admin)
        settings = {"LAUNCHPLAN_OPERATOR_LEADER_ELECTION": "false"}
        process = OperatorProcess(kubeconfig, directory / f"operator-{name}.log", free_port(), settings)
        victim = Victim(name, process, wire)
        victim.start()
        process.await_ready()
        yield victim
        process.kill()


def _make_plans(space: Space, size: Size) -> list[str]:
    """Make the workflow and all plans, and wait until they are active."""
    space.offer("quick")
    space.offer("slow", workflow(words(OUTPUTS, duration="25")))
    names = [f"{_sort(number)}-{number:03}" for number in range(size.plans)]
    space.create(LAUNCH_PLANS, _QUEUE, plan(workflowRef={"name": "quick"}, history=_KEEP_ALL, **_queue()))
    for name in names:
        space.create(LAUNCH_PLANS, name, _plan_of(name))
    for name in (*names, _QUEUE):
        space.ready(LAUNCH_PLANS, name, "Active", seconds=120)
    return names


def _sort(number: int) -> str:
    return {0: "limited", 1: "cron"}.get(number % 10, "ours")


def _queue() -> Object:
    return {"concurrency": {"max": 3, "behavior": "Queue", "queue": {"max": 1000}}}


def _plan_of(name: str) -> Object:
    sort = name.partition("-")[0]
    all_late = {"catchUp": {"policy": "All", "max": 100}}
    common: Object = {"history": _KEEP_ALL, "schedule": (EVERY_MINUTE if sort == "cron" else _OURS) | all_late}
    if sort == "limited":
        behavior = ("Skip", "Queue", "Replace")[int(name[-3:]) // 10 % 3]
        common["concurrency"] = {"max": 1 + int(name[-3:]) // 10 % 2, "behavior": behavior}
    return plan(workflowRef={"name": "slow" if sort == "limited" else "quick"}, **common)


def _ask_for_runs(cluster: LocalCluster, size: Size) -> None:
    """Ask for all runs by hand as fast as the server takes them."""

    def ask(numbers: range) -> None:
        with closing(cluster.api()) as api:
            for number in numbers:
                space = Space(api, "default", cluster.kubectl, cluster.audit_log)
                space.create(LAUNCH_PLAN_EXECUTIONS, f"run-{number:04}", run_of(_QUEUE))

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(ask, [range(first, size.runs, _CLIENTS) for first in range(_CLIENTS)]))


def _end_schedules(space: Space, names: list[str]) -> datetime:
    """Suspend all plans in the middle of a minute, and return when."""
    second = time.time() % 60
    time.sleep(max(0.0, 25 - second) if second < 40 else 85 - second)  # no slot may be near
    ended = datetime.now(UTC)
    for name in names:
        space.edit(LAUNCH_PLANS, name, spec={"suspend": True})
    return ended


def _await_end(space: Space, names: list[str]) -> None:
    """Wait until every run has ended and every plan has counted; what does not is a matter of the judgement."""

    def left() -> int:
        executions = space.all(LAUNCH_PLAN_EXECUTIONS)
        plans = {each["metadata"]["name"]: each for each in space.all(LAUNCH_PLANS)}
        wrong = [name for name in names if verdict.wrong_counts(name, _of(executions, name), _counts(plans[name]))]
        return len(verdict.not_ended(executions)) + len(wrong)

    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            if left() == 0:
                return
        except ApiUnavailableError:
            continue
        time.sleep(2)  # the look costs the server much


def _judge(
    log: list[Seen], space: Space, names: list[str], ended: datetime, outages: list[tuple[datetime, datetime]]
) -> Iterator[str]:
    executions, plans = space.all(LAUNCH_PLAN_EXECUTIONS), {p["metadata"]["name"]: p for p in space.all(LAUNCH_PLANS)}
    limits = {name: plans[name]["spec"]["concurrency"]["max"] for name in plans if "concurrency" in plans[name]["spec"]}
    yield from verdict.above_limit(log, limits)
    yield from verdict.started_twice(log)
    yield from verdict.changed_ends(log)
    if open_ := verdict.not_ended(executions):
        yield f"{len(open_)} runs have not ended: {', '.join(open_[:3])}"
    for name in (*names, _QUEUE):
        yield from verdict.wrong_counts(name, _of(executions, name), _counts(plans[name]))
    for name in names:
        slots, runs = _slots(log, name, ended), _of(executions, name)
        later = [slot for slot in _slots(log, name, datetime.now(UTC)) if slot not in slots]
        all_start = not name.startswith("limited")
        # The CronJob controller starts the latest of the slots that came while it stood still, and passes the others by.
        cron = name.startswith("cron")
        left_out = [each for each in slots if cron and verdict.came_in(slot_of_name(name, each), outages)]
        counts = _counts(plans[name])
        yield from verdict.wrong_slots(name, slots, runs, counts, all_start=all_start, later=later, left_out=left_out)
    queued = _counts(plans[_QUEUE])
    if queued.get("succeeded") != len(_of(executions, _QUEUE)):
        yield f"of the runs asked for by hand not all succeeded: {queued}"


def _keep_log(log: list[Seen], path: Path) -> None:
    """Write every change as a line, for whoever looks for the cause."""
    with path.open("w") as file:
        for seen in log:
            file.write(f"{json.dumps([seen.version, seen.deleted, seen.plural, seen.obj])}\n")


def _slots(log: list[Seen], name: str, ended: datetime) -> list[str]:
    """Return the names of a plan's slots since its schedule counts."""
    schedules = (
        seen.obj.get("status", {}).get("schedule", {})
        for seen in log
        if seen.plural == "launchplans" and seen.obj["metadata"]["name"] == name
    )
    since = datetime.fromisoformat(next(each["since"] for each in schedules if "since" in each))
    first = since.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return [
        slot_name(name, first + timedelta(minutes=n)) for n in range(int((ended - first).total_seconds() // 60) + 1)
    ]


def _of(executions: list[Object], name: str) -> list[Object]:
    return [each for each in executions if each["spec"]["launchPlanRef"]["name"] == name]


def _counts(plan_: Object) -> Object:
    counts: Object = plan_.get("status", {}).get("counts", {})
    return counts


def main() -> int:
    """Make the passes; returns 1 if any promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.torture", description=__doc__)
    parser.add_argument("--passes", type=int, default=20, help="how many passes, one after the other")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first; the others follow")
    parser.add_argument("--quick", action="store_true", help="short passes, as in .ci/run")
    parser.add_argument("--plans", type=int, help="how many plans fire every minute")
    parser.add_argument("--runs", type=int, help="how many runs are asked for by hand")
    options = parser.parse_args()
    size = QUICK if options.quick else Size()
    size = replace(size, plans=options.plans or size.plans, runs=options.runs or size.runs)
    outcomes = []
    for seed in range(options.seed, options.seed + options.passes):
        outcomes.append(_make_pass(seed, size))
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(json.dumps([_row(each) for each in outcomes], indent=1) + "\n")
        sys.stdout.write(f"{json.dumps(_row(outcomes[-1]))}\n")
        sys.stdout.flush()
    return 1 if any(each.broken for each in outcomes) else 0


def _make_pass(seed: int, size: Size) -> Outcome:
    directory = Path(tempfile.mkdtemp(prefix=f"torture-{seed}-"))
    with LocalCluster.start(f"torture-{os.getpid()}", node="stub") as cluster:
        return torture(cluster, directory, seed, size, _say)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%X')} {text}\n")


def _row(outcome: Outcome) -> Object:
    return {field: getattr(outcome, field) for field in Outcome.__slots__}


if __name__ == "__main__":
    sys.exit(main())
