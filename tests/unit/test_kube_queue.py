"""The queue: one run per key at a time, nothing lost, nobody blocked, all timers in one heap."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

from launchplan_operator.kube.client import Unavailable
from launchplan_operator.kube.queue import Key, Priority, Queue
from tests.fake.virtual import seeded, virtual_time

A: Key = ("LaunchPlan", "ns", "a")
B: Key = ("LaunchPlan", "ns", "b")


class Work:
    """Records runs; `does` is what a run does."""

    def __init__(self, does: Callable[[Key], Awaitable[None]] | None = None) -> None:
        self.runs: list[tuple[float, Key]] = []
        self.errors: list[tuple[Key, Exception]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.does = does

    async def process(self, key: Key) -> None:
        """Run once."""
        self.runs.append((round(now(), 3), key))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.does is not None:
                await self.does(key)
        finally:
            self.at_once -= 1

    @asynccontextmanager
    async def queue(self, workers: int = 20) -> AsyncIterator[Queue]:
        """Run a queue over this work."""
        queue = Queue(
            self.process,
            workers=workers,
            rng=seeded(1),
            on_error=lambda key, error: self.errors.append((key, error)),
        )
        task = asyncio.create_task(queue.run())
        try:
            yield queue
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def times(self, key: Key) -> list[float]:
        """Return when a key was run."""
        return [when for when, each in self.runs if each == key]


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


async def takes_a_second(_key: Key) -> None:
    """Work for a second."""
    await asyncio.sleep(1)


async def holds_the_line(key: Key) -> None:
    """Work for a minute at the key `running`, while others come to wait, and for a second at each of these."""
    await asyncio.sleep(60 if key[2] == "running" else 1)


@virtual_time
async def test_a_key_that_waits_is_run_once() -> None:
    """Adding a waiting key again changes nothing."""
    work = Work()
    async with work.queue() as queue:
        for _ in range(5):
            queue.add(A)
        assert queue.depth == 1
        await queue.idle()
    assert work.runs == [(0.0, A)]


@virtual_time
async def test_a_key_added_while_it_runs_runs_once_more_afterwards() -> None:
    """News during a run are looked at after it, and never beside it."""
    work = Work(takes_a_second)
    async with work.queue() as queue:
        queue.add(A)
        await asyncio.sleep(0.5)
        queue.add(A)
        queue.add(A)
        assert queue.depth == 1
        assert queue.active == 1
        await queue.idle()
    assert work.times(A) == [0.0, 1.0]
    assert work.most_at_once == 1


@virtual_time
async def test_no_more_than_the_workers_run_at_once() -> None:
    """The bound holds, and all keys get their turn in order."""
    work = Work(takes_a_second)
    keys: list[Key] = [("LaunchPlan", "ns", str(number)) for number in range(10)]
    async with work.queue(workers=3) as queue:
        for key in keys:
            queue.add(key)
        await queue.idle()
    assert work.most_at_once == 3
    assert [key for _, key in work.runs] == keys
    assert work.runs[-1][0] == 3.0


@virtual_time
async def test_the_age_of_the_oldest_is_told() -> None:
    """Age counts from when the key began to wait."""
    work = Work(takes_a_second)
    async with work.queue(workers=1) as queue:
        assert queue.oldest_age == 0
        queue.add(A)
        await asyncio.sleep(0.25)
        queue.add(B)
        await asyncio.sleep(0.5)
        assert queue.oldest_age == 0.5
        assert queue.depth == 1


@virtual_time
async def test_the_earliest_time_wins() -> None:
    """An earlier time replaces a later one, a later one does not replace an earlier."""
    work = Work()
    async with work.queue() as queue:
        queue.add_after(A, 10)
        queue.add_after(A, 5)
        queue.add_after(A, 20)
        queue.add_after(B, 7)
        assert queue.next_due == 5
        await asyncio.sleep(100)
    assert work.runs == [(5.0, A), (7.0, B)]


@virtual_time
async def test_a_time_can_be_set_again_after_it_came() -> None:
    """One timer per key, as often as wanted."""
    work = Work()
    async with work.queue() as queue:

        async def again(key: Key) -> None:
            if len(work.runs) < 4:
                queue.add_after(key, 60)

        work.does = again
        queue.add(A)
        await asyncio.sleep(1000)
        assert queue.next_due is None
    assert work.times(A) == [0, 60, 120, 180]


@virtual_time
async def test_no_time_or_one_in_the_past_is_now() -> None:
    """Nothing is ever due in the past."""
    work = Work()
    async with work.queue() as queue:
        queue.add_after(A, 0)
        queue.add_after(B, -5)
        await queue.idle()
    assert [key for _, key in work.runs] == [A, B]


@virtual_time
async def test_times_set_before_the_queue_runs_are_kept() -> None:
    """Standbys fill the queue; a leader runs it."""
    work = Work()
    queue = Queue(work.process, rng=seeded(1), on_error=lambda _key, _error: None)
    queue.add(A)
    queue.add_after(B, 5)
    await asyncio.sleep(10)
    assert work.runs == []
    task = asyncio.create_task(queue.run())
    await queue.idle()
    task.cancel()
    assert [key for _, key in work.runs] == [A, B]


@virtual_time
async def test_replaced_times_do_not_pile_up() -> None:
    """The heap stays in proportion to the keys."""
    work = Work()
    async with work.queue() as queue:
        for step in range(10_000):
            queue.add_after(A, 10_000 - step)
        assert len(queue._heap) < 100
        assert queue.next_due == 1


@virtual_time
async def test_a_failing_key_backs_off_and_blocks_nobody() -> None:
    """Retries come later and later up to a minute, others are run meanwhile."""

    async def fail(key: Key) -> None:
        if key == A:
            raise ValueError("broken")

    work = Work(fail)
    async with work.queue(workers=1) as queue:
        queue.add(A)
        for _ in range(40):
            queue.add(B)
            await asyncio.sleep(10)
    times = work.times(A)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(work.times(B)) == 40
    assert 0.02 < gaps[0] <= 0.051
    for number, gap in enumerate(gaps):
        assert 0.02 * 2**number < gap <= 0.051 * 2**number or 30 <= gap <= 60
    assert gaps[-1] >= 30


@virtual_time
async def test_the_same_failure_is_told_once() -> None:
    """One report per streak of equal failures."""
    words = ["one", "one", "one", "two", "two"]

    async def fail(_key: Key) -> None:
        if words:
            raise ValueError(words.pop(0))

    work = Work(fail)
    async with work.queue() as queue:
        queue.add(A)
        await asyncio.sleep(100)
        words.append("one")
        queue.add(A)
        await asyncio.sleep(100)
    assert [str(error) for _, error in work.errors] == ["one", "two", "one"]


@virtual_time
async def test_success_resets_the_back_off() -> None:
    """A run that returns without a retry starts anew."""
    outcomes = [False] * 8 + [True, False]

    async def fail_mostly(_key: Key) -> None:
        if outcomes and not outcomes.pop(0):
            raise ValueError("broken")

    work = Work(fail_mostly)
    async with work.queue() as queue:
        queue.add(A)
        await asyncio.sleep(100)
        assert len(work.runs) == 9
        start = now()
        queue.add(A)
        await asyncio.sleep(10)
    assert work.times(A)[-1] - start < 0.06


@virtual_time
async def test_an_unavailable_server_is_asked_again_when_it_said() -> None:
    """Retry-After is the least wait; it is no error to report."""
    failures = [Unavailable("busy", retry_after=30)]

    async def busy(_key: Key) -> None:
        if failures:
            raise failures.pop()

    work = Work(busy)
    async with work.queue() as queue:
        queue.add(A)
        await asyncio.sleep(100)
    first, second = work.times(A)
    assert 30 <= second - first < 30.1
    assert work.errors == []


@virtual_time
async def test_a_retry_of_the_work_itself_keeps_the_back_off() -> None:
    """A run that asks for a retry is no success."""
    work = Work()
    async with work.queue() as queue:

        async def wait(key: Key) -> None:
            if len(work.runs) < 10:
                queue.retry(key)

        work.does = wait
        queue.add(A)
        await asyncio.sleep(100)
    times = work.times(A)
    assert len(times) == 10
    assert times[-1] - times[-2] > 5


@virtual_time
async def test_forget_resets_the_back_off() -> None:
    """After forget the first retry is quick again."""
    work = Work()
    async with work.queue() as queue:
        for _ in range(12):
            queue.retry(A)
        queue.forget(A)
        queue.retry(A)
        due = queue.next_due
    assert due is not None
    assert due <= 0.05


@virtual_time
async def test_a_cancelled_run_is_not_lost() -> None:
    """Keys in work when the queue stops wait again."""
    work = Work(takes_a_second)
    async with work.queue() as queue:
        queue.add(A)
        await asyncio.sleep(0.5)
    assert queue.depth == 1
    assert queue.active == 0
    work.does = None
    task = asyncio.create_task(queue.run())
    await queue.idle()
    task.cancel()
    assert len(work.times(A)) == 2


@virtual_time
async def test_idle_waits_for_the_last_run() -> None:
    """A queue is idle when nothing waits and nothing runs."""
    work = Work(takes_a_second)
    async with work.queue() as queue:
        await queue.idle()
        queue.add(A)
        await asyncio.sleep(0.1)
        assert queue.depth == 0
        await queue.idle()
        assert now() == 1.0


@virtual_time
async def test_ten_thousand_timers_ring_in_order() -> None:
    """Many timers, one after the other, none lost."""
    work = Work()
    rng = seeded(3)
    async with work.queue() as queue:
        for number in range(10_000):
            queue.add_after(("LaunchPlan", "ns", str(number)), rng.uniform(1, 1000))
        await asyncio.sleep(1001)
    times = [when for when, _ in work.runs]
    assert len(times) == 10_000
    assert times == sorted(times)


@virtual_time
async def test_an_urgent_key_is_ahead_of_what_came_shortly_before_and_of_nothing_else() -> None:
    """Whatever has waited for more than thirty seconds longer is first."""
    keys: list[Key] = [("LaunchPlan", "ns", name) for name in ("running", "old", "late", "urgent")]
    work = Work(holds_the_line)
    async with work.queue(workers=1) as queue:
        queue.add(keys[0])
        await asyncio.sleep(1)
        queue.add(keys[1])
        await asyncio.sleep(31)
        queue.add(keys[2])
        queue.add(keys[3], Priority.HIGH)
        await queue.idle()
    assert [key[2] for _, key in work.runs] == ["running", "old", "urgent", "late"]


@virtual_time
async def test_a_low_key_is_behind_what_comes_within_ten_seconds_and_not_behind_the_rest() -> None:
    """In a rush that does not end it has its turn too."""
    keys: list[Key] = [("LaunchPlan", "ns", name) for name in ("running", "low", "soon", "late")]
    work = Work(holds_the_line)
    async with work.queue(workers=1) as queue:
        queue.add(keys[0])
        await asyncio.sleep(1)
        queue.add(keys[1], Priority.LOW)
        await asyncio.sleep(9)
        queue.add(keys[2])
        await asyncio.sleep(2)
        queue.add(keys[3])
        await queue.idle()
    assert [key[2] for _, key in work.runs] == ["running", "soon", "low", "late"]


@virtual_time
async def test_a_low_key_of_which_there_is_news_takes_the_place_of_these() -> None:
    """It is not ahead of all that came while nobody had time for it."""
    work = Work(holds_the_line)
    async with work.queue(workers=1) as queue:
        queue.add(("LaunchPlan", "ns", "running"))
        await asyncio.sleep(1)
        queue.add(A, Priority.LOW)
        for name in ("before", "after"):
            await asyncio.sleep(2)
            queue.add(("LaunchPlan", "ns", name))
            queue.add(A)
        await queue.idle()
    assert [key[2] for _, key in work.runs] == ["running", "before", "a", "after"]


@virtual_time
async def test_a_low_alarm_gives_way_to_an_earlier_one_and_hides_none() -> None:
    """One look is enough where the ordinary alarm rings first; where it rings later it has a look of its own."""
    work = Work()
    async with work.queue() as queue:
        queue.add_after(A, 2.0, Priority.LOW)
        queue.add_after(A, 1.0)
        queue.add_after(A, 3.0, Priority.LOW)
        queue.add_after(B, 1.0, Priority.LOW)
        queue.add_after(B, 2.0)
        await asyncio.sleep(10)
    assert [(when, key) for when, key in work.runs] == [(1.0, A), (1.0, B), (2.0, B)]


@virtual_time
async def test_a_key_that_waits_may_become_urgent() -> None:
    """It is processed once, in its new place."""
    work = Work(takes_a_second)
    async with work.queue(workers=1) as queue:
        queue.add(("LaunchPlan", "ns", "running"))
        await asyncio.sleep(0.5)
        queue.add(B)
        queue.add(A)
        queue.add(A, Priority.HIGH)
        assert queue.depth == 2
        await queue.idle()
        await asyncio.sleep(1)
    assert [key[2] for _, key in work.runs] == ["running", "a", "b"]


@virtual_time
async def test_a_key_that_became_urgent_is_never_processed_twice_at_once() -> None:
    """It is added once more while it is processed, and its first place is still in the line."""
    work = Work(takes_a_second)
    async with work.queue(workers=2) as queue:
        queue.add(("LaunchPlan", "ns", "running"))
        queue.add(("LaunchPlan", "ns", "other"))
        await asyncio.sleep(0.5)
        queue.add(A)
        queue.add(A, Priority.HIGH)
        await asyncio.sleep(1)
        assert queue.is_processing(A)
        queue.add(A)
        await queue.idle()
    assert [(when, key[2]) for when, key in work.runs] == [(0.0, "running"), (0.0, "other"), (1.0, "a"), (2.0, "a")]


@virtual_time
async def test_an_urgent_alarm_is_not_hidden_by_an_earlier_one() -> None:
    """Who waits for its turn since an ordinary alarm is brought forward when the urgent one rings."""
    work = Work(takes_a_second)
    async with work.queue(workers=1) as queue:
        queue.add(("LaunchPlan", "ns", "running"))
        await asyncio.sleep(0)
        queue.add(B)
        queue.add_after(A, 0.25)
        queue.add_after(A, 0.5, Priority.HIGH)
        queue.add_after(A, 0.75, Priority.HIGH)
        await queue.idle()
        assert queue.next_due is None
    assert [key[2] for _, key in work.runs] == ["running", "a", "b"]


@virtual_time
async def test_what_was_urgent_is_tried_again_as_such() -> None:
    """It fails once, and is ahead of what came meanwhile."""
    failed: list[Key] = []

    async def fails_once(key: Key) -> None:
        await asyncio.sleep(1)
        if key == A and not failed:
            failed.append(key)
            raise Unavailable("busy")

    work = Work(fails_once)
    async with work.queue(workers=1) as queue:
        queue.add(A, Priority.HIGH)
        await asyncio.sleep(0)
        others: list[Key] = [("LaunchPlan", "ns", name) for name in ("first", "second")]
        for other in others:
            queue.add(other)
        await queue.idle()
    assert [key[2] for _, key in work.runs] == ["a", "first", "a", "second"]


@virtual_time
async def test_a_key_is_urgent_once() -> None:
    """The next time it waits for its turn like the others."""
    work = Work(takes_a_second)
    async with work.queue(workers=1) as queue:
        queue.add(A, Priority.HIGH)
        await queue.idle()
        queue.add(("LaunchPlan", "ns", "running"))
        await asyncio.sleep(0)
        queue.add(B)
        queue.add(A)
        await queue.idle()
    assert [key[2] for _, key in work.runs] == ["a", "running", "b", "a"]


@virtual_time
async def test_others_have_their_turn_between_two_looks_that_never_wait() -> None:
    """A leader renews its Lease while a thousand keys are looked at."""
    seen: list[int] = []
    work = Work()
    async with work.queue(workers=1) as queue:
        for number in range(1000):
            queue.add(("LaunchPlan", "ns", str(number)))
        while queue.depth:
            seen.append(queue.depth)
            await asyncio.sleep(0)
    assert len(seen) > 500
