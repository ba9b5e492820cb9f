"""Slots that were not started in time: which of them run after all, and which are missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.schedule import CatchUp


@dataclass(frozen=True, slots=True)
class CatchUpDecision:
    """What becomes of late slots, oldest first; each stands in one of the two."""

    run: tuple[datetime, ...]
    missed: tuple[datetime, ...]


def decide_catchup(
    catch_up: CatchUp | None, late: Sequence[datetime], now: datetime, *, started_later: bool
) -> CatchUpDecision:
    """Return which late slots run, and which are missed.

    No more than the newest thousand can run, as `CatchUp.max` is no higher: a caller whose past is longer gives these
    and counts the others as missed.

    Args:
        catch_up: what the plan says; the newest of the last 24 hours runs where it says nothing.
        late: slots that were not started in time and have no outcome yet, oldest first.
        now: the present; what is older than the window is missed.
        started_later: whether a slot after these has started, which leaves nothing to do for `Latest`.
    """
    rule = catch_up or CatchUp()
    window = parse_go_duration(rule.window) or timedelta(0)
    recent = [slot for slot in late if now - slot <= window]
    run = tuple(recent[len(recent) - min(_most(rule, started_later=started_later), len(recent)) :])
    return CatchUpDecision(run, tuple(late[: len(late) - len(run)]))


def tell_missed(catch_up: CatchUp | None, slot: datetime, now: datetime, *, started_later: bool) -> str:
    """Say why a late slot is missed, and what is left to do; the arguments are those of the decision."""
    why = _why_missed(catch_up or CatchUp(), slot, now, started_later=started_later)
    return f"nobody started it in time, and {why} (start a run by hand if it is still wanted)"


def _why_missed(rule: CatchUp, slot: datetime, now: datetime, *, started_later: bool) -> str:
    window = parse_go_duration(rule.window) or timedelta(0)
    if rule.policy == "None":
        return "spec.schedule.catchUp.policy None runs no late slot"
    if now - slot > window:
        return f"it was older than spec.schedule.catchUp.window, {format_go_duration(window)}, when that was seen"
    if rule.policy == "All":
        return f"spec.schedule.catchUp.max runs the newest {rule.max} late slots, of which it was none"
    if started_later:
        return "spec.schedule.catchUp.policy Latest runs no late slot once a later one has started"
    return "spec.schedule.catchUp.policy Latest runs the newest late slot alone"


def _most(rule: CatchUp, *, started_later: bool) -> int:
    match rule.policy:
        case "None":
            return 0
        case "Latest":
            return 0 if started_later else 1
        case "All":
            return rule.max
