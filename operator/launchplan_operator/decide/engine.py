"""Which engine keeps a schedule: Kubernetes' CronJob controller where it can, else the operator itself."""

from collections.abc import Iterator
from typing import Final, Literal

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import set_field
from launchplan_operator.api.schedule import OPERATOR_FIELDS, Schedule
from launchplan_operator.decide.timetable import Timetable, cron_text_of

__all__ = ["Engine", "choose_engine", "cron_text_of", "unserved_limit"]

Engine = Literal["CronJob", "Operator"]
_AUTO: Final = "engine Auto takes a CronJob wherever one can serve"
_EVEN: Final = "minutes that divide an hour, hours that divide a day, or one day"


def choose_engine(schedule: Schedule, table: Timetable, *, limited: bool) -> Engine | Finding:
    """Return the engine of a schedule, or why the one that it asks for cannot serve.

    Args:
        schedule: the schedule.
        table: what it means.
        limited: whether the plan has a limit, at which a CronJob would not stop.
    """
    if schedule.engine == "Operator":
        return "Operator"
    obstacle = next(_obstacles(schedule, table, limited=limited), None)
    if obstacle is None:
        return "CronJob"
    return "Operator" if schedule.engine == "Auto" else obstacle


def unserved_limit() -> Finding:
    """Return the finding for a limit on a plan that insists on a CronJob."""
    message = "found a limit, which the CronJob engine does not know, expected engine Auto or Operator"
    return _finding(message, "spec.concurrency", _AUTO)


def _obstacles(schedule: Schedule, table: Timetable, *, limited: bool) -> Iterator[Finding]:
    """Yield what a CronJob cannot keep, in the order of the fields."""
    given = schedule.model_dump(by_alias=True, exclude_none=True)
    for field in OPERATOR_FIELDS:
        if field in given:
            message = f"found {field}, which the CronJob engine cannot keep, expected engine Auto or Operator"
            yield _finding(message, f"spec.schedule.{field}", _AUTO)
    if cron_text_of(table) is None:
        yield _uneven(schedule)
    if limited:
        yield unserved_limit()


def _uneven(schedule: Schedule) -> Finding:
    rate = schedule.fixed_rate
    found, field = (f"the rate {rate.value} {rate.unit}", "fixedRate") if rate else (repr(schedule.cron), "cron")
    message = f"found {found}, expected {_EVEN}: the CronJob engine keeps no other rate"
    return _finding(message, f"spec.schedule.{field}", "engine Auto keeps every rate")


def _finding(message: str, path: str, hint: str) -> Finding:
    return Finding(Reason.EngineCannotServe, message, path, hint, fix=set_field("Auto", "spec", "schedule", "engine"))
