"""What a Lease says about who leads, and what is written into it: pure, by client-go's rules of leader election.

No clock is compared with another machine's. The times in a Lease are for people; how long another must still be taken
for its holder is counted on our own monotonic clock, from the moment at which we first saw it in its present state.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from launchplan_operator.kube.transport import Object

#: Seconds for which a Lease that does not change must be taken for held.
LEASE_DURATION = 15.0
_RELEASED_SECONDS = 1
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Lease in the state in which it was seen last.

    Attributes:
        since: monotonic seconds at which it was first seen in that state: not before the server had it.
    """

    lease: Object
    since: float


def see(known: Sighting | None, lease: Object, now: float) -> Sighting:
    """Return the sighting after `lease` was read at `now`; any write to it, whatever it changed, begins a new one."""
    if known is not None and _version(known.lease) == _version(lease):
        return known
    return Sighting(lease, now)


def holder_of(lease: Object) -> str:
    """Return who holds a Lease; empty if nobody does."""
    return str(_spec(lease).get("holderIdentity") or "")


def seconds_held(seen: Sighting | None, identity: str, now: float) -> float:
    """Return for how many seconds more somebody else must be taken for the holder; 0 if the Lease may be claimed.

    A Lease that vanished counts as it was seen last: whoever held it may not know yet.
    """
    if seen is None or holder_of(seen.lease) in ("", identity):
        return 0.0
    duration = float(_spec(seen.lease).get("leaseDurationSeconds") or LEASE_DURATION)
    return max(0.0, seen.since + duration - now)


def claim(lease: Object, identity: str, now: datetime) -> Object:
    """Return a Lease with `identity` as its holder, renewed at `now`; what else stands in it stays.

    A claim is never the same as what was there: the server would take that for no write, and others would see no sign
    of life, when a clock was set back or stands still.
    """
    spec = _spec(lease)
    time = _micro_time(now)
    if time == spec.get("renewTime"):
        time = _micro_time(now + timedelta(microseconds=1))
    is_renewal = holder_of(lease) == identity
    claimed = {
        "holderIdentity": identity,
        "leaseDurationSeconds": int(LEASE_DURATION),
        "acquireTime": spec.get("acquireTime", time) if is_renewal else time,
        "renewTime": time,
        "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (not is_renewal and bool(spec)),
    }
    return {**lease, "spec": {**spec, **claimed}}


def release(lease: Object, now: datetime) -> Object:
    """Return a Lease that nobody holds, so that another may claim it at once."""
    released = {"holderIdentity": "", "leaseDurationSeconds": _RELEASED_SECONDS, "renewTime": _micro_time(now)}
    return {**lease, "spec": {**_spec(lease), **released}}


def _spec(lease: Object) -> Object:
    spec: Object = lease.get("spec") or {}
    return spec


def _version(lease: Object) -> tuple[str, str]:
    metadata = lease["metadata"]
    return metadata["uid"], metadata["resourceVersion"]


def _micro_time(instant: datetime) -> str:
    """Return an instant as Kubernetes writes a MicroTime: UTC, and always six digits."""
    return instant.astimezone(UTC).strftime(_MICRO_TIME)
