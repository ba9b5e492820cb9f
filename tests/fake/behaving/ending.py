"""The status of a Job: which ends the server takes."""

from typing import Any

from launchplan_operator.api.kinds import JOBS
from launchplan_operator.kube.transport import Object
from tests.fake.behaviours import Maker, Server, behaviour, created

_NOW = "2026-01-01T00:00:00Z"


def _conditions(*kinds: str) -> list[Object]:
    times = {"lastProbeTime": _NOW, "lastTransitionTime": _NOW}
    return [{"type": kind, "status": "True", "reason": "R", "message": "m"} | times for kind in kinds]


def _status(*kinds: str, **fields: Any) -> Object:
    started: Object = {"startTime": _NOW, "conditions": _conditions(*kinds)}
    whole = started | ({"completionTime": _NOW} if "Complete" in kinds else {}) | fields
    return {"status": whole}


_COMPLETE, _FAILED = ("SuccessCriteriaMet", "Complete"), ("FailureTarget", "Failed")
_IMPOSSIBLE: dict[str, Object] = {
    "cannot set Complete=True condition without the SuccessCriteriaMet=true condition": _status("Complete"),
    "cannot set Failed=True condition without the FailureTarget=true condition": _status("Failed"),
    "cannot set Complete=True and Failed=true conditions": _status(*_COMPLETE, *_FAILED),
    "cannot set Complete=True and FailureTarget=true conditions": _status(*_COMPLETE, "FailureTarget"),
    "cannot set SuccessCriteriaMet=True and Failed=true conditions": _status("SuccessCriteriaMet", *_FAILED),
    "cannot set SuccessCriteriaMet=True and FailureTarget=true": _status("SuccessCriteriaMet", "FailureTarget"),
    "completionTime is required for Complete jobs": _status(*_COMPLETE, completionTime=None),
    "cannot set completionTime when there is no Complete=True": _status(*_FAILED, completionTime=_NOW),
    "startTime is required for finished job": _status(*_FAILED, startTime=None),
    "active>0 is invalid for finished job": _status(*_FAILED, active=1),
    "terminating>0 is invalid for finished job": _status(*_FAILED, terminating=1),
    "must be empty for finished job": _status(*_FAILED, uncountedTerminatedPods={"failed": ["u"]}),
    "cannot set more ready pods than active": _status(ready=1),
}


@behaviour
async def an_end_of_a_job_that_cannot_be_is_refused(server: Server) -> None:
    """An end of a Job that cannot be is refused."""
    await created(server, JOBS, Maker(server.namespace).job())
    for words, change in _IMPOSSIBLE.items():
        reply = await server.client.patch(JOBS, server.namespace, "a", change, "status")
        assert reply.status == 422, words
        assert words in reply.message


@behaviour
async def the_end_of_a_job_is_never_taken_back(server: Server) -> None:
    """The end of a Job is never taken back, and its counters never fall."""
    make = Maker(server.namespace)
    for name, ends in {"a": _FAILED, "b": _COMPLETE}.items():
        await created(server, JOBS, make.job(name))
        told = _status(*ends, failed=2)
        assert (await server.client.patch(JOBS, server.namespace, name, told, "status")).ok
        reply = await server.client.patch(JOBS, server.namespace, name, {"status": {"conditions": []}}, "status")
        assert reply.status == 422
        assert f"cannot disable the terminal {ends[1]}=True condition" in reply.message
        fewer = await server.client.patch(JOBS, server.namespace, name, {"status": {"failed": 1}}, "status")
        assert "cannot decrease the failed counter" in fewer.message
