"""What people do and how often, and the seven sorts of people that there are."""

from dataclasses import dataclass

from tests.sim.neighbours import Neighbours
from tests.sim.newcomers import Newcomers
from tests.sim.people import Action, People
from tests.sim.world import World, stream


@dataclass(frozen=True, slots=True)
class Taste:
    """What people like.

    Attributes:
        finer: how often a schedule has more than a time.
        limited: how often a plan has a limit.
        actions: what they do more often than others.
        plain: whether a workflow and a plan say no more than they must.
    """

    finer: float
    limited: float
    actions: tuple[Action, ...] = ()
    plain: bool = False


_KIND: tuple[Action, ...] = (
    *(People.start_run,) * 5,
    *(People.edit_plan,) * 5,
    *(People.edit_workflow,) * 2,
    *(People.toggle,) * 2,
    *(People.pin_version,) * 2,
    *(People.terminate,) * 2,
    People.add_plan,
)
_ROUGH: tuple[Action, ...] = (
    *_KIND,
    People.add_workflow,
    People.add_plan,
    People.delete_plan,
    People.remake_plan,
    People.delete_workflow,
    People.delete_run,
    People.delete_run,
    People.delete_cronjob,
    People.delete_pod,
    People.delete_job,
    People.hold_job,
    People.start_from_cronjob,
    People.change_cronjob,
    Newcomers.take_cronjob_name,
    Newcomers.move_in,
    Newcomers.move_in,
    Newcomers.think_again,
    People.take_job_name,
    People.take_run_name,
    People.break_revision,
)
#: What people do besides where some refer to plans of others, and what only rough ones do.
_REFERRING: tuple[Action, ...] = (
    *(Neighbours.ask,) * 6,
    *(Neighbours.ask_for_many,) * 2,
    *(Neighbours.end_counting,) * 2,
    Neighbours.end_asked,
    *(Neighbours.mend_reference,) * 2,
    *(Neighbours.allow,) * 2,
    Neighbours.add_reference,
    Neighbours.edit_reference,
    Neighbours.change_consent,
    Neighbours.forbid,
    Neighbours.label_namespace,
)
_ROUGH_REFERRING: tuple[Action, ...] = (
    *_REFERRING,
    *(Neighbours.delete_remote,) * 3,
    Neighbours.delete_asked,
    Neighbours.delete_counting,
    Neighbours.add_reference,
    Neighbours.point_at_reference,
    Neighbours.delete_reference,
    Neighbours.remake_otherwise,
    Neighbours.forge_remote,
    Neighbours.forge_marks,
    Neighbours.forge_note,
    Neighbours.take_remote_name,
)
_LIMITING: tuple[Action, ...] = (
    *(People.start_many,) * 5,
    *(People.change_limit,) * 3,
    *(People.terminate,) * 2,
    People.change_schedule,
)
_TIMING: tuple[Action, ...] = (*(People.change_schedule,) * 6, People.toggle, People.change_limit)
_TASTES = (
    Taste(0.15, 0.1),
    Taste(0.3, 0.9, _LIMITING),
    Taste(0.2, 1.0, (*_LIMITING, *_LIMITING, People.delete_run, People.delete_job)),
    Taste(0.9, 0.2, _TIMING),
    Taste(0.6, 0.6, (*_TIMING, *_LIMITING)),
    Taste(0.3, 0.8, (*_LIMITING, *(People.lose_status,) * 3)),
    Taste(0.1, 0.1, (*(People.start_run,) * 5, *(People.change_schedule,) * 5), plain=True),
)


def _decline_late_slots(people: People) -> None:
    """Want no slot of a plan to be caught up."""
    people.edit_schedule({"catchUp": {"policy": "None"}})


#: Those that a mutation is found among: limits and nothing else, limits and runs that are deleted, limits that come and go, plans without any, and those
#: of which no slot is to be late.
LIMITING = Taste(0.2, 1.0, _LIMITING)
DELETING = Taste(0.2, 1.0, (*_LIMITING, *(People.delete_run,) * 4))
COMING = Taste(0.1, 0.0, (*(People.start_many,) * 3, *(People.change_limit,) * 3, People.add_plan))
PLAIN = Taste(0.0, 0.0, (*(People.start_run,) * 2, People.add_plan), plain=True)
PUNCTUAL = Taste(0.0, 0.0, (*(_decline_late_slots,) * 2, People.add_plan), plain=True)


def _let_one_start(people: Neighbours) -> None:
    """Let one run of a plan start at a time, and the others wait."""
    people.edit_plans({"concurrency": {"max": 1, "behavior": "Queue"}})


#: The same where people refer to plans: plainly, and to such as let few start, and not all.
REFERRING = Taste(
    0.0,
    0.0,
    (*(Neighbours.ask_for_many,) * 3, Neighbours.end_asked, Neighbours.delete_asked, Neighbours.allow),
    plain=True,
)
WITHDRAWING = Taste(
    0.0,
    0.0,
    (*(Neighbours.ask_for_many,) * 4, *(Neighbours.allow,) * 2, Neighbours.forbid, _let_one_start),
    plain=True,
)
FORGING = Taste(
    0.0,
    0.0,
    (*(Neighbours.ask,) * 2, *(Neighbours.forge_remote,) * 4, Neighbours.allow),
    plain=True,
)


def gather_people(world: World) -> People:
    """Return the people of a seed; of some nobody deletes what others made, nor forges anything."""
    rng = stream(world.seed, "people")
    kind = rng.random() < 0.3
    taste = rng.choice(_TASTES)
    usual, referring = (_KIND, _REFERRING) if kind else (_ROUGH, _ROUGH_REFERRING)
    sort = Neighbours if world.referring else Newcomers
    if world.inclined is not None:
        return sort(world, rng, world.inclined, world.inclined.actions)
    return sort(world, rng, taste, (*usual, *taste.actions, *(referring if world.referring else ())))
