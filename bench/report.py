"""The table, the file, and the targets."""

import json
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.lag import Lag
from bench.measure import CRONJOB, REVISION, STATUS, Load, Results, Spread, spread
from localcluster.places import SOURCE, Say

RESULTS = SOURCE.parent / "build" / "bench" / "results.json"
MAX_RATIO = 1.5
MAX_MIB = 300.0
MAX_PLUGIN_SECONDS = 0.3
MAX_LAG_SECONDS = 5.0


def ratio(results: Results) -> Spread:
    """Return the operator's time over the floor's, run by run."""
    return spread([start.operator.seconds / start.floor.seconds for start in results.starts])


def admission_ratio(load: Load) -> Spread:
    """Return the time of an admission over that of the bare Jobs, turn by turn."""
    return spread([each.operator / each.floor for each in load.admissions])


def missed(results: Results, *, timed: bool) -> list[str]:
    """Return which targets were missed; those about time and memory only if the run was large enough to tell."""
    found = [f"a start makes {count} {label} for {results.plans} plans" for label, count in _odd_counts(results)]
    if results.quiet is not None and results.quiet.writes:
        found.append(f"the steady state has {results.quiet.writes} writes: {results.quiet.calls}")
    if results.restart is not None and results.restart.writes:
        found.append(f"the restart has {results.restart.writes} writes: {results.restart.calls}")
    for load in results.loads:
        found += _missed_by_load(load, timed=timed)
    if timed and results.starts and ratio(results).median > MAX_RATIO:
        found.append(f"the start takes {ratio(results).median:.2f} times the floor, the target is {MAX_RATIO}")
    if timed and results.memory is not None and results.memory.resident > MAX_MIB:
        found.append(f"the memory is {results.memory.resident:.0f} MiB, the target is {MAX_MIB:.0f}")
    if timed and results.plugin and spread(results.plugin).median > MAX_PLUGIN_SECONDS:
        taken = spread(results.plugin).median
        found.append(f"the plugin starts in {taken:.2f} s, the target is {MAX_PLUGIN_SECONDS}")
    return found


def show(results: Results, say: Say, *, timed: bool) -> None:
    """Print the tables; without targets for times if the run was too small to tell."""
    if results.starts:
        _show_starts(results, say, timed=timed)
    if results.plugin:
        target = f"<= {MAX_PLUGIN_SECONDS}" if timed else ""
        say(_row("start of the kubectl plugin, s", spread(results.plugin), target))
    for load in results.loads:
        _show_load(load, say)


def _show_starts(results: Results, say: Say, *, timed: bool) -> None:
    starts = results.starts
    say(f"\n{'':34}{'min':>9}{'median':>9}{'max':>9}   target")
    say(_row(f"start with {results.plans} plans, s", spread([start.operator.seconds for start in starts])))
    say(_row("  of it until /readyz, s", spread([start.ready for start in starts])))
    say(_row("floor, s", spread([start.floor.seconds for start in starts])))
    say(_row("start / floor", ratio(results), f"<= {MAX_RATIO}" if timed else ""))
    say(_row("processor: operator, s", spread([start.operator.client for start in starts])))
    say(_row("  control plane beside it, s", spread([start.operator.server for start in starts])))
    say(_row("processor: bare client, s", spread([start.floor.client for start in starts])))
    say(_row("  control plane beside it, s", spread([start.floor.server for start in starts])))
    say(
        _row("processor, start / floor", spread([start.operator.processor / start.floor.processor for start in starts]))
    )
    say(f"{'calls of a start':34}{_calls(starts[-1].calls)}; writes of {starts[-1].size / 1e6:.1f} MB")
    if quiet := results.quiet:
        say(
            f"{f'steady state, {quiet.seconds:.0f} s':34}{quiet.writes} writes (target 0), {quiet.cpu:.2f} s of processor"
        )
        say(f"{'':34}{_calls(quiet.calls)}")
    if restart := results.restart:
        say(
            f"{'restart':34}{restart.writes} writes (target 0), ready after {restart.ready:.1f} s, at rest after {restart.rest:.1f} s"
        )
        say(f"{'':34}{_calls(restart.calls)}")
    if memory := results.memory:
        label = f"memory, {memory.plans} inactive plans"
        say(f"{label:34}{memory.resident:.0f} MiB at rest (target <= {MAX_MIB:.0f}), {memory.peak:.0f} at most")


def _show_load(load: Load, say: Say) -> None:
    say(f"\nthe controllers' client limits {'as Kubernetes has them' if load.throttled else 'lifted'}")
    if load.admissions:
        _show_admissions(load, say)
    if flow := load.flow:
        say(
            f"{f'{flow.runs} runs through {flow.places} places':34}{flow.rate:.1f} a second, bare Jobs {flow.floor:.1f} (target >= 1 / {MAX_RATIO} of them)"
        )
    for ours, floor, native in load.lags:
        rows = (("operator", ours), ("bare writes", floor), ("CronJobs", native))
        for name, lag in rows:
            lost = f", {lag.lost} of {lag.slots} slots lost" if lag.lost else ""
            label = f"lag, {lag.plans} plans a minute, {name}"
            say(f"{label:44}p50 {lag.median:.1f} s, p99 {lag.p99:.1f} s{lost}")


def _show_admissions(load: Load, say: Say) -> None:
    runs, ratios = load.admissions[0].runs, admission_ratio(load)
    taken = spread([each.operator for each in load.admissions]).median
    beside = spread([each.operator / each.followed for each in load.admissions]).median
    ledgers = max(each.ledgers for each in load.admissions)
    say(
        f"{f'admission of {runs} runs':34}{taken:.2f} s, {runs / taken:.0f} a second, {ratios.median:.2f} times their bare "
        f"Jobs ({ratios.low:.2f} to {ratios.high:.2f}, target <= {MAX_RATIO}), {beside:.2f} times where the client follows "
        f"Jobs and pods too, at most {ledgers} plan statuses"
    )


def _missed_by_load(load: Load, *, timed: bool) -> list[str]:
    """Return what is too slow; a slot that is lost is too slow in any run."""
    found = [f"{ours.lost} of {ours.slots} slots are lost" for ours, _, _ in load.lags if ours.lost]
    if not timed:
        return found
    if load.admissions and admission_ratio(load).median > MAX_RATIO:
        taken = admission_ratio(load).median
        found.append(f"the admission takes {taken:.2f} times the floor, the target is {MAX_RATIO}")
    flow = load.flow
    if flow is not None and flow.floor > MAX_RATIO * flow.rate:
        found.append(f"{flow.rate:.1f} runs flow a second, bare Jobs {flow.floor:.1f}, the target is 1 / {MAX_RATIO}")
    found += [_late(ours, floor) for ours, floor, _ in load.lags if ours.p99 > _allowed(floor)]
    return found


def _late(ours: Lag, floor: Lag) -> str:
    return f"the lag of {ours.plans} plans is {ours.p99:.1f} s at p99, the target is {_allowed(floor):.1f}"


def _allowed(floor: Lag) -> float:
    return max(MAX_LAG_SECONDS, MAX_RATIO * floor.p99)


def write(results: Results, path: Path = RESULTS) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    path.write_text(json.dumps(made | asdict(results), indent=2) + "\n")


def _odd_counts(results: Results) -> list[tuple[str, int]]:
    """A new plan costs its version, one CronJob and one status write."""
    labels = [" ".join(pair) for pair in (REVISION, CRONJOB, STATUS)]
    seen = [(label, start.calls.get(label, 0)) for start in results.starts for label in labels]
    return [(label, count) for label, count in seen if count != results.plans]


def _row(label: str, figures: Spread, target: str = "") -> str:
    return f"{label:34}{figures.low:9.2f}{figures.median:9.2f}{figures.high:9.2f}   {target}".rstrip()


def _calls(calls: dict[str, int]) -> str:
    return ", ".join(f"{count} {label}" for label, count in calls.items()) or "no calls"
