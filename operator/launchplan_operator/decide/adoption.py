"""Whether, and when, a plan takes over somebody's CronJob of its name, so that no slot is lost or doubled.

What that CronJob started stays its own. Since when the plan's schedule counts is announced before the CronJob goes, and
both only in moments in which its controller is not about to start a slot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from launchplan_operator.decide.cronjob import last_fired, live_timetable
from launchplan_operator.decide.retention import tracker_of
from launchplan_operator.decide.slots import SETTLING, slot_at_hand
from launchplan_operator.decide.timetable import Timetable

#: On a plan: `true` lets it take over a CronJob of its name.
ADOPT: Final = "launchplan.dev/adopt"
#: Nothing is announced or removed so shortly before a slot.
LEAD: Final = timedelta(seconds=10)
_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class OldCronJob:
    """What of somebody's CronJob the take-over depends on.

    Attributes:
        version: its resourceVersion, which changes when it starts a slot.
        keeper: who would bring it back, in words: another object that controls it, or a tool by its mark and that mark.
        table: when it fires; None while it is suspended, or where only its controller can tell.
        fired: the latest slot that it started.
    """

    uid: str
    version: str
    keeper: str | None = None
    table: Timetable | None = None
    fired: datetime | None = None
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Unasked:
    """The plan does not ask for it, or somebody would bring the CronJob back: it is left untouched."""

    keeper: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A slot is about to come or to be started, or the CronJob is being deleted: look again after so long."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class AnnounceTakeOver:
    """Write to the status that the plan's schedule counts from now on, and which CronJob goes."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Delete the CronJob, if it is as it was looked at, and let its Jobs be."""


AdoptionStep = Unasked | Later | AnnounceTakeOver | TakeOver


def asks_to_adopt(plan: Mapping[str, Any]) -> bool:
    """Tell whether a plan is to take over a CronJob of its name."""
    return (plan["metadata"].get("annotations") or {}).get(ADOPT) == "true"


def read_old(cronjob: Mapping[str, Any]) -> OldCronJob:
    """Return the facts of somebody's CronJob."""
    metadata, spec = cronjob["metadata"], cronjob["spec"]
    return OldCronJob(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        keeper=_keeper(metadata),
        table=None if spec.get("suspend") else live_timetable(cronjob),
        fired=last_fired(cronjob),
        deleting=metadata.get("deletionTimestamp") is not None,
    )


def decide_adoption(
    old: OldCronJob, replacing: str | None, since: datetime | None, now: datetime, *, asked: bool
) -> AdoptionStep:
    """Return the next step of taking over a CronJob.

    Args:
        old: the CronJob, as the API server has it now.
        replacing: the uid of the CronJob whose end was announced, or None.
        since: the instant that was announced.
        now: the present.
        asked: whether the plan asks for it.
    """
    if not asked or old.keeper is not None:
        return Unasked(old.keeper if asked else None)
    if old.deleting:
        return Later(_MOMENT)
    if (unrest := _unrest(old, now)) is not None:
        return Later(unrest)
    if replacing != old.uid or since is None or (old.fired is not None and old.fired > since):
        # It went on firing while nobody looked: those slots are its own, too.
        return AnnounceTakeOver()
    return TakeOver()


def _unrest(old: OldCronJob, now: datetime) -> timedelta | None:
    """Return for how long a slot stands in the way: one that comes soon, or that its controller may be starting."""
    if old.table is None:
        return None
    slot = slot_at_hand(old.table, old.fired or now - SETTLING, now, LEAD)
    if slot is None:
        return None
    return (slot if slot > now else slot + SETTLING) - now + _MOMENT


def _keeper(metadata: Mapping[str, Any]) -> str | None:
    controller = next((each for each in metadata.get("ownerReferences") or () if each.get("controller")), None)
    if controller is not None:
        return f"{controller['kind']} {controller['name']} controls it"
    tracker = tracker_of(metadata)
    return "{} keeps it ({})".format(*tracker) if tracker else None
