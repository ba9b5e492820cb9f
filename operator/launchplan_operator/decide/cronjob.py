"""What to do about a plan's CronJob, one step at a time; every step may be the last before a crash.

A schedule is never changed in place: a CronJob that is edited or un-suspended fires the latest slot of its past. The
status first says since when the new schedule counts and which CronJob goes (`Announce`), then the CronJob is deleted
with its Jobs orphaned (`Remove`), and only when it is gone the next one is made (`Create`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.timetable import Timetable, read_timetable


@dataclass(frozen=True, slots=True)
class Keep:
    """The CronJob, or its absence, is right."""


@dataclass(frozen=True, slots=True)
class Create:
    """No CronJob stands in the way: make it."""


@dataclass(frozen=True, slots=True)
class Update:
    """The schedule stands, the template or the marks differ: replace the object in place."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Write to the status since when another schedule counts, and which CronJob goes (None: it is gone already)."""

    uid: str | None


@dataclass(frozen=True, slots=True)
class Remove:
    """The announced CronJob goes: hand its Jobs over to their executions and delete it."""

    uid: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A CronJob of an earlier plan of this name, or one already being deleted, is about to vanish."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else's CronJob bears the plan's name."""


CronJobStep = Keep | Create | Update | Announce | Remove | Wait | Taken


@dataclass(frozen=True, slots=True)
class LiveCronJob:
    """The few facts of a live CronJob that a step depends on.

    Attributes:
        owner: `(kind, name, uid)` of its controller, or None.
        timing: `(schedule, timeZone, suspend, startingDeadlineSeconds)` as it stands.
        rendered: the hash annotation that we left on it.
    """

    uid: str
    generation: int
    owner: tuple[str, str, str] | None
    timing: tuple[Any, ...]
    rendered: str | None
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class RecordedCronJob:
    """What the plan's status says of its CronJob.

    Attributes:
        generation: of the CronJob after our last write, None before the first.
        replacing: the uid of the CronJob whose end was announced, or None.
        schedule_hash: of the schedule that counts, or None while nothing is scheduled.
    """

    generation: int | None = None
    replacing: str | None = None
    schedule_hash: str | None = None


@dataclass(frozen=True, slots=True)
class WantedCronJob:
    """What the plan asks for: the timing, the hash of its slots, and the hash of all that we would render."""

    timing: tuple[Any, ...]
    schedule_hash: str
    rendered: str


def read_live(cronjob: Mapping[str, Any], mark: tuple[str, str], rendered_key: str) -> LiveCronJob:
    """Return the facts of a CronJob object.

    Args:
        cronjob: the object.
        mark: the label by which our watch finds it; one that lost it counts as not rendered by us.
        rendered_key: the annotation that holds our hash.
    """
    metadata = cronjob["metadata"]
    controller = next((r for r in metadata.get("ownerReferences") or () if r.get("controller")), None)
    marked = (metadata.get("labels") or {}).get(mark[0]) == mark[1]
    return LiveCronJob(
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        owner=(controller["kind"], controller["name"], controller["uid"]) if controller else None,
        timing=read_timing(cronjob["spec"]),
        rendered=(metadata.get("annotations") or {}).get(rendered_key) if marked else None,
        deleting=metadata.get("deletionTimestamp") is not None,
    )


def read_timing(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what of a CronJobSpec decides when it fires; a change of any needs a new CronJob."""
    return (spec["schedule"], spec.get("timeZone"), bool(spec.get("suspend")), spec.get("startingDeadlineSeconds"))


def live_timetable(cronjob: Mapping[str, Any]) -> Timetable | None:
    """Return when a CronJob fires, or None where only its controller knows."""
    return read_timetable(cronjob["spec"]["schedule"], cronjob["spec"].get("timeZone") or "UTC")


def last_fired(cronjob: Mapping[str, Any]) -> datetime | None:
    """Return the latest slot that the CronJob's controller says it started."""
    text = (cronjob.get("status") or {}).get("lastScheduleTime")
    return to_instant(text) if text else None


def decide_cronjob(
    plan: tuple[str, str], wanted: WantedCronJob | None, live: LiveCronJob | None, recorded: RecordedCronJob
) -> CronJobStep:
    """Return the next step towards the wanted CronJob.

    Args:
        plan: the plan's name and uid.
        wanted: None when nothing shall be scheduled.
        live: the CronJob of the plan's name, whosever it is, or None.
        recorded: what the plan's status says.
    """
    if live is None:
        return _make(wanted, recorded)
    if live.owner is None or live.owner[0] != "LaunchPlan" or live.owner[1] != plan[0]:
        return Taken() if wanted is not None else Keep()
    if live.deleting or live.owner[2] != plan[1]:
        return Wait()
    if recorded.replacing == live.uid:
        return Remove(live.uid)
    if wanted is None or wanted.timing != live.timing:
        return Announce(live.uid)
    # What was made just before a crash is not recorded yet: it is as it was made while its generation is the first.
    unchanged = live.rendered == wanted.rendered and live.generation == (recorded.generation or 1)
    return Keep() if unchanged else Update()


def _make(wanted: WantedCronJob | None, recorded: RecordedCronJob) -> CronJobStep:
    if wanted is None:
        return Keep()
    # The plan was edited once more between the announcement and the deletion.
    overtaken = recorded.schedule_hash not in {None, wanted.schedule_hash}
    return Announce(None) if overtaken else Create()
