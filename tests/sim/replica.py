"""One operator's processes: how each is put together, what it runs, and what it may end of."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from launchplan_operator.app import Operator
from launchplan_operator.kube.elector import LeadershipLostError
from tests.sim.loop import Process


@dataclass(slots=True)
class Replica:
    """One operator and its process.

    Attributes:
        skew: seconds by which its wall clock is wrong.
        lives: how many processes it has had.
        wanted: whether it comes back when its process ended.
    """

    name: str
    process: Process
    operator: Operator | None = None
    skew: float = 0.0
    lives: int = 0
    wanted: bool = False

    @property
    def leads(self) -> bool:
        """Whether it was elected, as far as it knows itself."""
        elector = self.operator.elector if self.operator is not None else None
        return elector is not None and not self.process.ended and elector.may_write()


async def run_operator(operator: Operator) -> None:
    """Run with our own watcher for all kinds, as the level below kopf."""
    async with asyncio.TaskGroup() as group:
        for reflector in operator.reflectors:
            group.create_task(reflector.run())
        for reflector in operator.reflectors:
            await reflector.synced.wait()
        group.create_task(operator.work())


def is_expected(failure: BaseException | None) -> bool:
    """Tell whether a process may end of this: it was told to, or it led and does so no more."""
    return all(isinstance(each, LeadershipLostError) for each in _leaves(failure))


def _leaves(failure: BaseException | None) -> Iterator[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        for each in failure.exceptions:
            yield from _leaves(each)
    elif failure is not None:
        yield failure
