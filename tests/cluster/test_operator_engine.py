"""The operator's own engine on the real control plane. The stories are told at once: they share the minutes."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.jitter import jitter_of, plan_identity
from launchplan_operator.decide.schedule import slot_name
from localcluster.operated import OperatorProcess
from tests.cluster.away import LATE, Outages
from tests.cluster.stories import Story, Told, tell_together
from tests.cluster.support import (
    EVERY_MINUTE,
    INPUTS,
    INTERFACE,
    Object,
    Space,
    await_slot,
    controller_uid,
    eventually,
    next_slot,
    phase_of,
    plan,
    slot_text,
    workflow,
)

# Run alone, this file waits for the slots of an outage of the controllers.
pytestmark = pytest.mark.timeout(900)

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
_ROOM = 20.0
_A_SLOT = 100.0
_MINUTE = timedelta(minutes=1)
_OURS = EVERY_MINUTE | {"engine": "Operator"}
_EVERY = {"fixedRate": {"value": 1, "unit": "Minute"}, "startingDeadline": "190s"}
_ANNOTATION = "launchplan.dev/inputs"
STORIES: list[Story] = []


def story(function: Story) -> Story:
    """Make a function one of the stories."""
    STORIES.append(function)
    return function


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, operator: OperatorProcess, new_space: Callable[[], Space]) -> Iterator[Told]:
    """Every selected story, begun at once."""
    assert operator.is_ready()
    with tell_together(request, "test_an_engine", STORIES, new_space) as futures:
        yield futures


def slots_of(space: Space, name: str = "tick") -> list[str]:
    """Return the names of a plan's slots that have a Job, each as often as it has one."""
    jobs = space.all(JOBS, f"launchplan.dev/plan={name}")
    return sorted(
        job["metadata"]["name"] for job in jobs if "launchplan.dev/tombstone" not in job["metadata"]["labels"]
    )


def names_between(first: datetime, last: datetime, name: str = "tick") -> list[str]:
    """Return the names of all slots from one to another, both included."""
    return [slot_name(name, first + n * _MINUTE) for n in range((last - first) // _MINUTE + 1)]


@story
def a_rate_with_a_deadline_is_kept_by_the_operator(space: Space) -> None:
    """No CronJob; at the slot an execution of the plan, and its Job, of the one name that a CronJob would give."""
    slot = next_slot(_ROOM)
    space.offer()
    tick = space.plan("tick", schedule=_EVERY)
    assert (tick["status"]["schedule"]["engine"], space.find(CRON_JOBS, "tick")) == ("Operator", None)
    name = slot_name("tick", slot)
    run = space.ended(name, seconds=_A_SLOT)
    assert run["status"]["origin"] == {"type": "Schedule", "slot": slot_text(slot)}
    assert controller_uid(run) == tick["metadata"]["uid"]
    assert controller_uid(space.read(JOBS, name)) == run["metadata"]["uid"]
    late = datetime.fromisoformat(space.read(JOBS, name)["metadata"]["creationTimestamp"]) - slot
    assert timedelta(0) <= late < timedelta(seconds=20)
    following = slot_name("tick", slot + _MINUTE)
    space.ended(following, seconds=_A_SLOT)
    counted = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["counts"].get("succeeded") == 2)
    assert counted["status"]["counts"] == {"started": 2, "succeeded": 2}
    assert slots_of(space) == [name, following]


@story
def an_uneven_rate_is_kept_by_the_operator(space: Space) -> None:
    """Every seven minutes divides no hour."""
    space.offer()
    tick = space.plan("tick", schedule={"fixedRate": {"value": 7, "unit": "Minute"}})
    times = [datetime.fromisoformat(text).timestamp() for text in tick["status"]["schedule"]["nextTimes"]]
    assert all(time % 420 == 0 for time in times)
    assert (tick["status"]["schedule"]["engine"], space.find(CRON_JOBS, "tick")) == ("Operator", None)


@story
def the_time_of_the_slot_comes_as_an_input(space: Space) -> None:
    """It stands in the run and on the pods, moved by the offset."""
    slot = next_slot(_ROOM)
    interface = INTERFACE | {"inputs": [*INPUTS, {"name": "at", "type": "datetime"}]}
    space.offer(spec=workflow(interface=interface))
    space.plan("tick", schedule=EVERY_MINUTE | {"kickoffTimeInput": "at", "kickoffTimeOffset": "-1h"})
    name = slot_name("tick", slot)
    expected = {"at": slot_text(slot - timedelta(hours=1)), "city": "Oslo", "days": 7}
    assert space.ended(name, seconds=_A_SLOT)["status"]["inputs"] == expected
    annotations = space.read(JOBS, name)["spec"]["template"]["metadata"]["annotations"]
    assert json.loads(annotations[_ANNOTATION]) == expected


@story
def no_slot_is_before_the_start_or_at_the_end(space: Space) -> None:
    """Of three minutes only the middle one has a slot."""
    slot = next_slot(_ROOM)
    bounds = {"startTime": slot_text(slot + _MINUTE), "endTime": slot_text(slot + 2 * _MINUTE)}
    space.offer()
    space.plan("tick", schedule=EVERY_MINUTE | bounds)
    space.ended(slot_name("tick", slot + _MINUTE), seconds=_A_SLOT + 60)
    await_slot(slot + 2 * _MINUTE, 15)
    tick = space.read(LAUNCH_PLANS, "tick")
    assert slots_of(space) == [slot_name("tick", slot + _MINUTE)]
    assert "nextTimes" not in tick["status"]["schedule"]
    assert tick["status"]["counts"] == {"started": 1, "succeeded": 1}


@story
def jitter_moves_the_start_and_not_the_slot(space: Space) -> None:
    """By as much as the plan's name and the slot say, however often it is asked."""
    slot = next_slot(_ROOM)
    space.offer()
    space.plan("tick", schedule=EVERY_MINUTE | {"jitter": "40s"})
    name = slot_name("tick", slot)
    space.ended(name, seconds=_A_SLOT + 40)
    due = slot + jitter_of(plan_identity(space.namespace, "tick"), slot, timedelta(seconds=40))
    made = datetime.fromisoformat(space.read(EXECUTIONS, name)["metadata"]["creationTimestamp"])
    assert timedelta(0) <= made - due.replace(microsecond=0) < timedelta(seconds=15)


def switched(space: Space, before: Object, after: Object) -> None:
    """Let a plan's slots come by one engine, change to another within a second of a slot, and see all slots once."""
    slot = next_slot(_ROOM)
    space.offer()
    space.plan("tick", schedule=before)
    space.ended(slot_name("tick", slot), seconds=_A_SLOT)
    await_slot(slot + _MINUTE, -0.3)
    space.edit(LAUNCH_PLANS, "tick", spec={"schedule": {"engine": None} | after})
    space.ended(slot_name("tick", slot + 3 * _MINUTE), seconds=3 * _A_SLOT)
    expected = names_between(slot, slot + 3 * _MINUTE)
    assert slots_of(space)[: len(expected)] == expected
    counted = space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["counts"].get("succeeded", 0) >= 4)
    assert set(counted["status"]["counts"]) == {"started", "succeeded"}


@story
def from_the_cronjob_to_the_operator_at_a_slot_no_slot_is_lost_or_doubled(space: Space) -> None:
    """Whoever was to start it."""
    switched(space, EVERY_MINUTE, _OURS)
    assert space.find(CRON_JOBS, "tick") is None


@story
def of_many_that_change_from_the_cronjob_around_a_slot_none_loses_its_run(space: Space) -> None:
    """A Job that the controller makes while its CronJob is being deleted would be collected."""
    space.offer()
    names = [f"tick-{number:02}" for number in range(30)]
    for name in names:
        space.create(LAUNCH_PLANS, name, plan(schedule=EVERY_MINUTE))
    for name in names:
        space.ready(LAUNCH_PLANS, name, "Active")
    slot = next_slot(_ROOM)
    for number, name in enumerate(names):
        await_slot(slot, number / 20 - 1)
        space.edit(LAUNCH_PLANS, name, spec={"schedule": _OURS})
    for name in names:
        for moment in (slot, slot + _MINUTE):
            space.ended(slot_name(name, moment), seconds=_A_SLOT)
    for name in names:
        expected = names_between(slot, slot + _MINUTE, name)
        assert [each for each in slots_of(space, name) if each >= expected[0]][:2] == expected


@story
def from_the_operator_to_the_cronjob_at_a_slot_no_slot_is_lost_or_doubled(space: Space) -> None:
    """Whoever was to start it."""
    switched(space, _OURS, EVERY_MINUTE)
    assert space.find(CRON_JOBS, "tick") is not None


@pytest.mark.parametrize("tell", STORIES, ids=[each.__name__ for each in STORIES])
def test_an_engine(tell: Story, told: Told) -> None:
    """The story ends well."""
    told[tell].result()


def test_slots_without_the_operator_start_at_its_return_where_they_are_not_late(outages: Outages) -> None:
    """Each once, and as what it is: a scheduled run."""
    space, slots = outages[0].result().space, outages[0].result().slots
    for slot in slots:
        run = space.ended(slot_name("on-time", slot), seconds=60)
        assert run["status"]["origin"]["type"] == "Schedule"
    assert set(names_between(slots[0], slots[-1], "on-time")) <= set(slots_of(space, "on-time"))
    status = space.read(LAUNCH_PLANS, "on-time")["status"]
    assert set(status["counts"]) == {"started", "succeeded"}
    assert "decisions" not in status


@pytest.mark.parametrize("policy", LATE)
def test_late_slots_run_as_the_plan_asks_and_the_others_are_missed(outages: Outages, policy: str) -> None:
    """None runs none, Latest the newest unless a later one started, All all of them; the plan says what became of each."""
    absence, plan = outages[0].result(), LATE[policy]
    space, names = absence.space, names_between(absence.slots[0], absence.slots[-1], plan)
    expected = {"None": 0, "Latest": 1, "All": len(names)}[policy]
    caught = f"launchplan.dev/plan={plan},launchplan.dev/origin=CatchUp"

    def outcome() -> tuple[list[str], int]:
        runs = [each for each in space.all(EXECUTIONS, caught) if phase_of(each) == "Succeeded"]
        missed = space.read(LAUNCH_PLANS, plan)["status"].get("counts", {}).get("missed", 0)
        return sorted(each["metadata"]["name"] for each in runs), missed

    wanted = (names[len(names) - expected :], len(names) - expected)
    assert eventually(outcome, wanted.__eq__, 90)
    assert set(slots_of(space, plan)) & set(names) == set(wanted[0])
    described = space.kubectl("describe", f"lp/{plan}")
    for slot in absence.slots:
        assert slot_text(slot) in described


def test_a_slot_that_no_controller_started_is_caught_up(outages: Outages) -> None:
    """No earlier than 320 s after its time. What the controllers passed over at their return is unknown; none is lost."""
    stranded = outages[1].result()
    space, name = stranded.space, slot_name("tick", stranded.slot)
    assert stranded.run["status"]["origin"] == {"type": "CatchUp", "slot": slot_text(stranded.slot)}
    made = datetime.fromisoformat(stranded.run["metadata"]["creationTimestamp"])
    assert timedelta(seconds=320) <= made - stranded.slot < timedelta(seconds=360)
    space.ended(name, seconds=60)
    space.gone(CRON_JOBS, "tick", 60)
    assert controller_uid(stranded.job) == stranded.cronjob["metadata"]["uid"]
    names = names_between(stranded.slot, stranded.last)
    found = slots_of(space)
    assert (found[0], found[-1], set(found) <= set(names)) == (name, names[-1], True)
    expected = {"started": len(found), "succeeded": len(found), "unknown": len(names) - len(found)}
    space.until(LAUNCH_PLANS, "tick", lambda obj: obj["status"]["counts"] == expected, 30)
