"""What the API server refuses in a Job's status: an end that cannot be, and an end that is taken back."""

from collections.abc import Iterator

from tests.fake.store import Object
from tests.fake.tally import condition, is_finished

_ENDS = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")
_REQUIRED = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
_EXCLUSIVE = (
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ("SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    ("SuccessCriteriaMet", "FailureTarget", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
)


def check_status(new: Object, old: Object) -> Iterator[str]:
    """Findings about a status that replaces an old one."""
    status = new["status"]
    if status == old["status"]:
        return
    for one, other, words in _EXCLUSIVE:
        if condition(new, one) and condition(new, other):
            yield f"status.conditions: Invalid value: {words}"
    yield from _check_completion(new)
    for end, target in _REQUIRED.items():
        if condition(new, end) and not condition(new, target):
            yield f"status.conditions: Invalid value: cannot set {end}=True condition without the {target}=true condition"
    if is_finished(new):
        yield from _check_finished(new)
    if status.get("ready", 0) > status.get("active", 0):
        yield f"status.ready: Invalid value: {status['ready']}: cannot set more ready pods than active"
    yield from _check_taken_back(new, old)


def _check_completion(job: Object) -> Iterator[str]:
    moment, complete = job["status"].get("completionTime"), condition(job, "Complete")
    if moment and not complete:
        words = "cannot set completionTime when there is no Complete=True condition"
        yield f'status.completionTime: Invalid value: "{moment}": {words}'
    if complete and not moment:
        yield "status.completionTime: Required value: completionTime is required for Complete jobs"


def _check_finished(job: Object) -> Iterator[str]:
    """A finished Job has started, unless it had nothing to do, and nothing of it is left to come."""
    spec, status = job["spec"], job["status"]
    for count in ("active", "terminating"):
        if status.get(count, 0) > 0:
            yield f"status.{count}: Invalid value: {status[count]}: {count}>0 is invalid for finished job"
    if "startTime" not in status and not (spec["suspend"] and spec.get("completions") == 0):
        yield "status.startTime: Required value: startTime is required for finished job"
    if any((status.get("uncountedTerminatedPods") or {}).values()):
        yield "status.uncountedTerminatedPods: Invalid value: must be empty for finished job"


def _check_taken_back(new: Object, old: Object) -> Iterator[str]:
    for kind in _ENDS:
        if condition(old, kind) and not condition(new, kind):
            terminal = "" if kind == "SuccessCriteriaMet" else "terminal "
            yield f"status.conditions: Invalid value: cannot disable the {terminal}{kind}=True condition"
    for count in ("failed", "succeeded"):
        found = new["status"].get(count, 0)
        if found < old["status"].get(count, 0):
            yield f"status.{count}: Invalid value: {found}: cannot decrease the {count} counter"
