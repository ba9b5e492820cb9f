"""Which version is active: a function of the spec and what is known, with no hidden state."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activation:
    """The outcome.

    Attributes:
        active: the active version, or None.
        scheduled: whether slots shall fire; None leaves whatever is scheduled as it is.
    """

    active: str | None
    scheduled: bool | None


def decide_activation(
    *, auto_activate: bool, suspend: bool, has_schedule: bool, version: str | None, previous: str | None
) -> Activation:
    """Return the active version and whether its slots fire.

    A plan that turned invalid has no version of its own (`version` is None): the last good one stays in force, and
    with it the CronJob, unless the plan asks for no slots at all.

    Args:
        auto_activate: the plan's field.
        suspend: the plan's field.
        has_schedule: whether the plan has a schedule.
        version: the version that the spec stands for, None while the spec is invalid.
        previous: the version that was active so far.
    """
    active = (version or previous) if auto_activate else None
    if active is None or suspend or not has_schedule:
        return Activation(active, scheduled=False)
    return Activation(active, scheduled=True if version is not None else None)
