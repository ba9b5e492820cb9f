"""Ways to break the operator: the search must find each, or it has no teeth."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from launchplan_operator.decide import cronjob as steps
from launchplan_operator.decide import retention
from launchplan_operator.kube.watch import Reflector
from launchplan_operator.reconcile import execution as runs
from launchplan_operator.reconcile import planforce, planreport, planschedule
from launchplan_operator.reconcile.launch import launch
from launchplan_operator.render import cronjob as rendering
from launchplan_operator.render import labels
from tests.sim import mutated_admission as admission
from tests.sim import mutated_adoption as adoption
from tests.sim import mutated_references as references
from tests.sim.inclinations import move
from tests.sim.tastes import COMING, DELETING, FORGING, LIMITING, PLAIN, PUNCTUAL, REFERRING, WITHDRAWING
from tests.sim.world import World


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way.

    Attributes:
        applied: while this is entered, the operator's code is broken.
        seed: one that finds it.
        shape: makes more of the faults and of the people that it takes.
    """

    applied: Callable[[], AbstractContextManager[Any]]
    seed: int
    shape: Callable[[World], None] = lambda _: None


@contextmanager
def _job_made_again() -> Iterator[None]:
    """A Job deleted by hand is made again instead of ending its run."""

    async def end(context: Any, execution: Any) -> Any:
        return await launch(context, execution)

    with patch.object(runs, "_end_without_job", end):
        yield


@contextmanager
def _retention_at_once() -> Iterator[None]:
    """Ended runs go without their 15 minutes."""
    with patch.object(retention, "MINIMUM_AGE", timedelta(0)):
        yield


@contextmanager
def _since_after_delete() -> Iterator[None]:
    """The CronJob goes first, and only then the status says since when the next schedule counts."""

    def early(*arguments: Any) -> Any:
        step = steps.decide_cronjob(*arguments)
        return steps.Remove(step.uid) if isinstance(step, steps.Announce) and step.uid is not None else step

    with (
        patch.object(planschedule, "decide_cronjob", early),
        patch.object(planschedule, "_is_overtaken", lambda _: False),
    ):
        yield


@contextmanager
def _default_history() -> Iterator[None]:
    """CronJobs keep as few Jobs as Kubernetes does by default."""
    with patch.object(rendering, "HISTORY_LIMIT", 1):
        yield


@contextmanager
def _suspended_cronjob() -> Iterator[None]:
    """A plan that is suspended suspends its CronJob, and un-suspends it when it goes on."""
    wanted, scheduled, timing = planschedule.__dict__["wanted_cronjob"], planforce._is_scheduled, steps.read_timing

    def render(plan: Any, *arguments: Any) -> Any:
        manifest = wanted(plan, *arguments)
        if manifest is not None:
            manifest["spec"]["suspend"] = bool(plan["spec"].get("suspend"))
            manifest["metadata"]["annotations"][labels.RENDERED] += str(manifest["spec"]["suspend"])
        return manifest

    def always(reading: Any, *arguments: Any, **settings: Any) -> Any:
        spec = reading.spec and reading.spec.model_copy(update={"suspend": False})
        return scheduled(replace(reading, spec=spec), *arguments, **settings)

    with ExitStack() as stack:
        stack.enter_context(patch.object(planschedule, "wanted_cronjob", render))
        stack.enter_context(patch.object(planforce, "_is_scheduled", always))
        for module in (steps, planschedule):
            stack.enter_context(patch.object(module, "read_timing", lambda spec: timing({**spec, "suspend": False})))
        yield


@contextmanager
def _counted_twice() -> Iterator[None]:
    """What was counted and not yet marked is counted once more."""
    count = planreport.__dict__["count_executions"]

    def forgetful(counts: Any, _uncounted: Any, *arguments: Any, **settings: Any) -> Any:
        return count(counts, (), *arguments, **settings)

    with patch.object(planreport, "count_executions", forgetful):
        yield


@contextmanager
def _no_repair() -> Iterator[None]:
    """A watch is trusted for ever."""
    start = Reflector.__init__

    def trusting(self: Reflector, *arguments: Any, **settings: Any) -> None:
        start(self, *arguments, **(settings | {"repair_after": 1e9}))

    with patch.object(Reflector, "__init__", trusting):
        yield


def _lossy(world: World) -> None:
    profile = world.adversary.profile
    world.adversary.profile = replace(profile, lossy=max(profile.lossy, 0.05))


def _sleepy(world: World) -> None:
    """Leaders are paused for long as they write, while limits and runs come and go."""
    world.elected, world.inclined, profile = True, DELETING, world.adversary.profile
    sleep, slow = profile.sleep or 1000.0, max(profile.slow, 0.05)
    world.adversary.profile = replace(profile, sleep=sleep, slow=slow, pauses=4)


def _held(world: World) -> None:
    """Runs of plans with limits are deleted while requests for their Jobs are held up."""
    world.inclined, profile = DELETING, world.adversary.profile
    world.adversary.profile = replace(profile, held=max(profile.held, 0.3))


def _two_alone(world: World) -> None:
    """Two operators without an election work on limits, each behind the other's writes."""
    profile = world.adversary.profile
    world.elected, world.inclined = False, LIMITING
    world.adversary.profile = replace(profile, doubles=4, lagging=0.3)


def _limits_come(world: World) -> None:
    """Limits come and go while CronJobs fire, and what is asked of the server may be late."""
    profile = world.adversary.profile
    world.inclined = COMING
    world.adversary.profile = replace(profile, late=max(profile.late, 0.1), outages=max(profile.outages, 1))


def _outages(world: World) -> None:
    """The cluster's controllers stand still for minutes, and nobody wants late slots."""
    world.inclined = PUNCTUAL
    world.adversary.profile = replace(world.adversary.profile, outages=4)


def _absent(world: World) -> None:
    """Nobody works for minutes, while plans are plain and runs short."""
    world.elected, world.inclined = False, PLAIN
    world.cluster.lasts = (0.0, 3.0)
    world.adversary.profile = replace(world.adversary.profile, sleep=world.adversary.profile.sleep or 1000.0)


def _referring(world: World) -> None:
    """People refer to plans, and little else."""
    world.referring, world.inclined = True, REFERRING


def _forging(world: World) -> None:
    """People refer to plans, and others make what their runs would ask for."""
    world.referring, world.inclined = True, FORGING


def _leaving(world: World) -> None:
    """Those who ask for runs through references delete them, while pods last long and no operator is troubled."""
    _referring(world)
    world.cluster.lasts = (130.0, 170.0)
    profile = world.adversary.profile
    world.adversary.profile = replace(profile, travelling=0.0, pauses=0, sleep=0.0, doubles=0, lossy=0.0, silent=0.0)


def _withdrawing(world: World) -> None:
    """Plans let few runs start at a time, and allow references now and then; views are of the present."""
    world.referring, world.inclined = True, WITHDRAWING
    profile = world.adversary.profile
    world.adversary.profile = replace(profile, travelling=0.0, pauses=0, sleep=0.0, lossy=0.0, silent=0.0)


def _blind(world: World) -> None:
    """Two operators work on references, and what one did the other often does not hear of."""
    _referring(world)
    world.elected = False
    profile = world.adversary.profile
    world.adversary.profile = replace(profile, doubles=6, lossy=0.2)


MUTATIONS: dict[str, Mutation] = {
    "a Job deleted by hand is made again": Mutation(_job_made_again, 59),
    "retention without its 15 minutes": Mutation(_retention_at_once, 3),
    "schedule.since written after the delete": Mutation(_since_after_delete, 32),
    "history limits at their defaults": Mutation(_default_history, 2, _absent),
    "suspend used on CronJobs": Mutation(_suspended_cronjob, 17),
    "counts added twice": Mutation(_counted_twice, 2),
    "a dropped watch event never repaired": Mutation(_no_repair, 17, _lossy),
    "no precondition on the ledger write": Mutation(admission.no_precondition, 3, _two_alone),
    "Job created before the ledger": Mutation(admission.job_before_ledger, 3),
    "seat freed by a cache's absence": Mutation(admission.absence_from_cache, 126),
    "seat freed before the pods ended": Mutation(admission.pods_not_asked, 1005),
    "ledger not rebuilt after status loss": Mutation(admission.no_rebuild, 24),
    "no tombstone for a deleted execution": Mutation(admission.no_tombstone, 32, _held),
    "the rebuild before the CronJob is gone": Mutation(admission.rebuild_at_once, 22, _limits_come),
    "the fence removed": Mutation(admission.no_fence, 113, _sleepy),
    "catch-up under another name": Mutation(admission.catch_up_elsewhere, 396),
    "catch-up without the look": Mutation(admission.catch_up_unseen, 13),
    "catch-up within the deadline": Mutation(admission.catch_up_early, 1, _outages),
    "a remote run started before it is counted on": Mutation(references.no_handshake, 1, _referring),
    "a forged remote taken for one's own": Mutation(references.taken_unlooked, 19, _forging),
    "consent not asked at launch": Mutation(references.consent_not_asked, 10, _withdrawing),
    "a local run's end not waiting for the remote": Mutation(references.end_not_awaited, 6, _referring),
    "a remote run lost by a cache's absence": Mutation(references.lost_from_cache, 3, _blind),
    "a remote run left alone runs on": Mutation(references.left_running, 12, _leaving),
    "a CronJob taken over that nobody offered": Mutation(adoption.unasked, 1, move),
    "a CronJob taken over while a slot starts": Mutation(adoption.at_once, 24, move),
}
