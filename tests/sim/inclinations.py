"""Some seeds are inclined to what is else too seldom: calls that few stories lead to."""

from dataclasses import replace

from tests.sim.neighbours import Neighbours
from tests.sim.newcomers import Newcomers
from tests.sim.people import People
from tests.sim.tastes import Taste
from tests.sim.world import World, stream

#: How many seeds are.
_INCLINED = 0.3
#: How long they live at least, in seconds: some calls come long after what leads to them.
_LONG = 1150.0


def incline(world: World) -> None:
    """Incline a seed to something, or leave it to itself."""
    rng = stream(world.seed, "inclination")
    if rng.random() < _INCLINED:
        world.lasts_at_least = _LONG
        rng.choice(_INCLINATIONS)(world)


def _squat(world: World) -> None:
    """People take the names of coming slots, so that a CronJob's controller starts nothing any more."""
    world.inclined = Taste(
        0.0,
        0.0,
        (*(People.take_job_name,) * 5, *(People.take_run_name,) * 2, People.add_plan, People.change_schedule),
        plain=True,
    )


def _belate(world: World) -> None:
    """Requests for slots' runs arrive when their slots are settled."""
    world.inclined = Taste(0.8, 0.0, (_own_engine, _own_engine, _hasten, People.add_plan, People.toggle), plain=True)
    world.adversary.profile = replace(world.adversary.profile, held=0.5)


def _take_late(world: World) -> None:
    """Requests for slots' runs arrive after their callers gave up, and are taken all the same."""
    world.inclined = Taste(0.8, 0.0, (*(_own_engine,) * 4, People.add_plan), plain=True)
    profile = world.adversary.profile
    world.adversary.profile = replace(profile, held=0.8, lagging=max(profile.lagging, 0.5))


def move(world: World) -> None:
    """People come from CronJobs, and some think again."""
    world.inclined = Taste(
        0.1,
        0.1,
        (
            *(Newcomers.move_in,) * 5,
            People.delete_plan,
            Newcomers.think_again,
            People.change_schedule,
            People.start_run,
        ),
    )


def _hold(world: World) -> None:
    """People hold Jobs before they start, and end their runs."""
    world.inclined = Taste(0.1, 0.2, (*(People.start_run,) * 3, *(People.hold_job,) * 4, People.add_plan))
    world.cluster.lasts = (20.0, 90.0)


def _leave(world: World) -> None:
    """Those who ask for runs through references leave, and remote runs are deleted."""
    world.referring = True
    world.inclined = Taste(
        0.0,
        0.0,
        (
            *(Neighbours.ask_for_many,) * 3,
            *(Neighbours.delete_asked,) * 2,
            *(Neighbours.delete_remote,) * 2,
            Neighbours.delete_counting,
            Neighbours.allow,
        ),
        plain=True,
    )
    world.cluster.lasts = (60.0, 170.0)


def _fiddle(world: World) -> None:
    """People change what the operator rendered, again and again, and it says so."""
    world.inclined = Taste(
        0.0, 0.0, (*(People.change_cronjob,) * 6, People.delete_cronjob, People.add_plan), plain=True
    )


def _own_engine(people: People) -> None:
    people.edit_schedule({"engine": "Operator"})


def _hasten(people: People) -> None:
    """Let a plan give its slots up soon, and run none of them late."""
    people.edit_schedule({"engine": "Operator", "startingDeadline": "10s", "catchUp": {"policy": "None"}})


_INCLINATIONS = (*(_squat,) * 3, *(_belate,) * 4, *(_take_late,) * 5, _fiddle, _fiddle, move, _hold, _leave)
