"""`next`: when a plan, a cron text or a rate fires next."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from launchplan_operator.cli.output import (
    add_cluster_options,
    add_examples,
    add_output_option,
    chosen_format,
    format_table,
    write_data,
)
from launchplan_operator.cli.problems import Problem

if TYPE_CHECKING:
    from launchplan_operator.api.conditions import Finding
    from launchplan_operator.api.schedule import Schedule
    from launchplan_operator.cli.times import Times

MAX_COUNT: Final = 1000
#: A thousand slots that are five years apart still end before the calendar's last year, 9999.
_YEARS: Final = range(1970, 4000)
_RATE: Final = re.compile(r"\s*([0-9]{1,9})\s*(minute|hour|day)s?\s*", re.ASCII | re.IGNORECASE)
_DESCRIPTION = """\
Show the next slots of a plan in the cluster (NAME), of every plan of some manifests (-f), of a cron text or of a rate.

Times are in UTC. A cron text is read exactly as Kubernetes reads a CronJob's, in --timezone; a rate counts from
1970-01-01T00:00:00Z, or from the plan's startTime. Where a plan has jitter, it is told beside each slot when its run
starts. Whether a plan is active or suspended does not matter here."""
_EXAMPLES = """
  kubectl launchplan next nightly
  kubectl launchplan next --cron '30 2 * * *' --timezone Europe/Berlin --after 2026-03-28T00:00:00Z
  kubectl launchplan next --rate '90 minutes' --count 3
  kubectl launchplan next -f plans/ -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `next`."""
    add_examples(parser, _EXAMPLES)
    parser.description = _DESCRIPTION
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help="a LaunchPlan in the cluster")
    what.add_argument("-f", "--filename", action="append", metavar="FILE", help="a file, a directory, or - for stdin")
    what.add_argument("--cron", metavar="TEXT", help="a cron text")
    what.add_argument("--rate", metavar='"N UNIT"', help="a rate, in minutes, hours or days")
    parser.add_argument("--timezone", metavar="Z", help="the time zone of --cron (default: UTC)")
    parser.add_argument("--after", metavar="T", help="only slots after this RFC 3339 time (default: now)")
    parser.add_argument("--count", type=_count, default=5, metavar="N", help=f"how many, 1 to {MAX_COUNT} (default: 5)")
    parser.add_argument("-R", "--recursive", action="store_true", help="with -f: read the directories below, too")
    add_output_option(parser, by_terminal=True)
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write the next slots."""
    if options.timezone is not None and options.cron is None:
        raise Problem("found --timezone without --cron, expected both", hint="a plan has its own, a rate has none")
    after = _instant(options.after)
    if options.filename:
        _write_plans(options, after)
    else:
        _write_one(options, after)
    return 0


def schedule_of_rate(text: str) -> "Schedule":
    """Return the schedule of a text such as `2 hours`; raises Problem for another."""
    from launchplan_operator.api.parsing import parse_spec  # noqa: PLC0415
    from launchplan_operator.api.schedule import FixedRate, RateUnit, Schedule  # noqa: PLC0415 - not for --help

    found = _RATE.fullmatch(text)
    if found is None:
        message = f"found the rate {text!r}, expected a number and minutes, hours or days"
        raise Problem(message, reason="InvalidSpec", hint="such as '2 hours'")
    rate = {"value": int(found[1]), "unit": RateUnit(found[2].capitalize())}
    read = parse_spec(FixedRate, {"spec": rate})
    if isinstance(read, tuple):
        raise Problem(f"{read[0].message}, in the rate {text!r}", reason=str(read[0].reason))
    return Schedule(fixed_rate=read)


def schedule_of_cron(text: str, zone: str) -> "Schedule":
    """Return the schedule of a cron text and a time zone; raises Problem if the schema has no room for them."""
    from launchplan_operator.api.parsing import parse_spec  # noqa: PLC0415
    from launchplan_operator.api.schedule import Schedule  # noqa: PLC0415 - not for --help

    read = parse_spec(Schedule, {"spec": {"cron": text, "timeZone": zone}})
    if isinstance(read, tuple):
        field = "TimeZoneUnknown" if read[0].path == "spec.timeZone" else "CronInvalid"
        raise Problem(read[0].message, reason=field)
    return read


def times_of_plan(
    spec: Any, after: datetime, count: int, place: tuple[str, str] = ("", "")
) -> "Times | tuple[Finding, ...]":
    """Return the next slots of a plan's `spec`, none without a schedule; or what is wrong with its schedule.

    Args:
        spec: the spec as it was written.
        after: the slots' times are after it.
        count: how many.
        place: the plan's namespace and name; the namespace may be unknown.
    """
    from launchplan_operator.api.parsing import parse_spec  # noqa: PLC0415
    from launchplan_operator.api.schedule import Schedule  # noqa: PLC0415 - not for --help
    from launchplan_operator.cli.times import Times, find_times  # noqa: PLC0415
    from launchplan_operator.decide.schedule import plan_identity  # noqa: PLC0415

    schedule = spec.get("schedule") if isinstance(spec, dict) else None
    if schedule is None:
        return Times([], [])
    read = parse_spec(Schedule, {"spec": schedule})
    identity = plan_identity(*place) if place[0] else None
    return read if isinstance(read, tuple) else find_times(read, after, count, identity)


def _write_one(options: argparse.Namespace, after: datetime) -> None:
    from launchplan_operator.cli.times import find_times  # noqa: PLC0415 - not for --help

    if options.name:
        plan = _cluster_plan(options)
        zone = _zone_of(plan["spec"])
        place = (plan["metadata"]["namespace"], plan["metadata"]["name"])
        found = times_of_plan(plan["spec"], after, options.count, place)
    else:
        zone = "UTC" if options.timezone is None else options.timezone
        schedule = schedule_of_cron(options.cron, zone) if options.cron is not None else schedule_of_rate(options.rate)
        found = find_times(schedule, after, options.count)
    if isinstance(found, tuple):
        raise _refusal(found)
    form = chosen_format(options)
    if form == "text":
        sys.stdout.write(
            format_table(("utc", *_local_header(zone), *_starts_header([found.data()])), _rows(found, zone))
        )
        sys.stderr.writelines(f"warning: {warning}\n" for warning in found.warnings)
    else:
        write_data(found.data(), form)


def _cluster_plan(options: argparse.Namespace) -> Any:
    """Return a plan in the cluster."""
    from launchplan_operator.cli.cluster import read_one  # noqa: PLC0415 - not without a cluster

    return read_one(options, "LaunchPlan", options.name.removeprefix("lp/"))


def _write_plans(options: argparse.Namespace, after: datetime) -> None:
    plans = list(_plans(options, after))
    form = chosen_format(options)
    if form != "text":
        write_data({"plans": [each for _, each in plans]}, form)
        return
    starts = _starts_header(plan for _, plan in plans)
    rows = [row for zone, plan in plans for row in _plan_rows(plan, zone, [""] * len(starts))]
    sys.stdout.write(format_table(("namespace", "name", "utc", "local", "zone", *starts), rows))
    for _, plan in plans:
        said = [f"{plan['error']['reason']}: {plan['error']['message']}"] if "error" in plan else plan["warnings"]
        kind = "error" if "error" in plan else "warning"
        sys.stderr.writelines(f"{kind}: {plan['name']}: {text}\n" for text in said)


def _plans(options: argparse.Namespace, after: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each plan of the manifests with its zone; raises Problem if a manifest cannot be read."""
    from launchplan_operator.api.kinds import LAUNCH_PLANS  # noqa: PLC0415 - not for --help
    from launchplan_operator.cli.manifests import read_manifests  # noqa: PLC0415

    stream = read_manifests(options.filename, recursive=options.recursive)
    if stream.unreadable:
        raise Problem(stream.unreadable[0].text, reason="ManifestUnreadable")
    for manifest in stream.manifests:
        if (manifest.kind, manifest.api_version) == (LAUNCH_PLANS.kind, LAUNCH_PLANS.api_version):
            spec = manifest.obj.get("spec")
            place = {"namespace": manifest.namespace or options.namespace or "", "name": manifest.name}
            found = times_of_plan(spec, after, options.count, (place["namespace"], place["name"]))
            yield _zone_of(spec), place | _outcome(found)


def _outcome(found: "Times | tuple[Finding, ...]") -> dict[str, Any]:
    if isinstance(found, tuple):
        return {"error": {"reason": str(found[0].reason), "message": "; ".join(finding.text for finding in found)}}
    return found.data()


def _plan_rows(plan: dict[str, Any], zone: str, no_start: list[str]) -> Iterator[tuple[str, ...]]:
    times = plan.get("times", ())
    starts = [[start] for start in plan.get("starts", ())] or [no_start] * len(times)
    for time, start in zip(times, starts, strict=True):
        local = _local(datetime.fromisoformat(time), zone)
        yield (plan["namespace"], plan["name"], time, local, zone, *start)


def _rows(found: "Times", zone: str) -> Iterator[tuple[str, ...]]:
    data = found.data()
    locals_ = [_local(time, zone) for time in found.times] if _local_header(zone) else None
    columns = (data["times"], locals_, data.get("starts"))
    return zip(*(column for column in columns if column is not None), strict=True)


def _starts_header(found: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return ("starts",) if any("starts" in each for each in found) else ()


def _local_header(zone: str) -> tuple[str, ...]:
    return () if zone == "UTC" else (zone,)


def _local(time: datetime, zone: str) -> str:
    from launchplan_operator.decide.cron_zones import find_zone  # noqa: PLC0415 - not for --help

    return time.astimezone(find_zone(zone) or UTC).strftime("%a %Y-%m-%d %H:%M %z")


def _zone_of(spec: Any) -> str:
    schedule = spec.get("schedule") if isinstance(spec, dict) else None
    zone = schedule.get("timeZone") if isinstance(schedule, dict) and schedule.get("cron") else None
    return zone if isinstance(zone, str) else "UTC"


def _refusal(findings: "tuple[Finding, ...]") -> Problem:
    more = "".join(f"; {finding.reason}: {finding.message}" for finding in findings[1:])
    return Problem(f"{findings[0].message}{more}", reason=str(findings[0].reason), hint=findings[0].hint)


def _instant(text: str | None) -> datetime:
    from launchplan_operator.api.instants import canonical_instant  # noqa: PLC0415 - not for --help

    if text is None:
        return datetime.now(UTC)
    canonical = canonical_instant(text)
    if canonical is None:
        raise Problem(f"found --after {text!r}, expected an RFC 3339 time", hint="such as 2026-01-31T09:00:00Z")
    # A slot is a whole minute: what a fraction's digits after the sixth say changes none.
    instant = datetime.fromisoformat(canonical)
    if instant.year not in _YEARS:
        raise Problem(f"found --after {text!r}, expected a year from {_YEARS[0]} to {_YEARS[-1]}")
    return instant


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not 1 <= int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1 to {MAX_COUNT}")
    return int(text)
