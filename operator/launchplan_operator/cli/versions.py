"""`versions`: the versions of a plan, or the difference between two of them, field by field."""

import argparse
import sys
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.cli.ages import age_text
from launchplan_operator.cli.cluster import Cluster, Forbidden, present, with_cluster
from launchplan_operator.cli.differences import ABSENT, Difference, differences
from launchplan_operator.cli.outcomes import value_text
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option, write_data, write_table
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.revisions import creation_times, find_revision, revision_name, unknown_version
from launchplan_operator.cli.targets import read_target
from launchplan_operator.kube.transport import Object


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or lp/NAME")
    parser.add_argument("versions", metavar="V", nargs="*", help="two versions: what differs between them")
    add_output_option(parser)
    add_cluster_options(parser)
    add_examples(
        parser, "\n  kubectl launchplan versions report\n  kubectl launchplan versions report 3f2a9c81d0 b41d07c2ee\n"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _versions)


async def _versions(cluster: Cluster, options: argparse.Namespace) -> int:
    if len(options.versions) not in (0, 2):
        raise Problem(f"found {', '.join(options.versions)}, expected two versions to compare, or none")
    plan = await cluster.read(LAUNCH_PLANS, read_target(options.plan, LAUNCH_PLANS).name)
    for version in options.versions:
        _refuse_unknown(plan, version)
    if options.versions:
        before, after = [await _content(cluster, plan, version) for version in options.versions]
        _write_differences(list(differences(before, after)), options.output)
        return 0
    _write_versions(version_rows(plan, await _times(cluster, plan)), options.output)
    return 0


def version_rows(plan: Object, times: dict[str, str]) -> list[dict[str, Any]]:
    """Return what is known of each version, newest last."""
    status = plan.get("status") or {}
    return [
        {
            "version": entry["version"],
            "hash": entry["hash"],
            "workflow": entry.get("workflow", ""),
            "active": entry["version"] == status.get("activeVersion"),
            "latest": entry["version"] == status.get("latestVersion"),
        }
        | ({"created": created} if (created := times.get(revision_name(plan, entry["version"]) or "")) else {})
        for entry in status.get("versions") or ()
    ]


def _refuse_unknown(plan: Object, version: str) -> None:
    known = [entry["version"] for entry in (plan.get("status") or {}).get("versions") or ()]
    if version not in known:
        raise unknown_version(plan, version, known)


async def _content(cluster: Cluster, plan: Object, version: str) -> dict[str, Any]:
    content = await find_revision(cluster, plan, version)
    if content is None:
        name = revision_name(plan, version)
        message = f"found no ControllerRevision {name!r}, in which version {version} was kept"
        raise Problem(message, exit_code=FAILURE_EXIT)
    return content


async def _times(cluster: Cluster, plan: Object) -> dict[str, str]:
    try:
        return await creation_times(cluster, plan)
    except Forbidden:
        return {}


def _write_versions(rows: list[dict[str, Any]], form: str) -> None:
    if form != "text":
        write_data(rows, form)
        return
    now = present()
    marks = [", ".join(mark for mark in ("active", "latest") if row[mark]) for row in rows]
    cells = [
        (row["version"], row["workflow"], age_text(row.get("created"), now), mark)
        for row, mark in zip(rows, marks, strict=True)
    ]
    write_table(("version", "workflow", "age", "state"), cells)


def _write_differences(found: list[Difference], form: str) -> None:
    if form != "text":
        write_data([_plain(each) for each in found], form)
        return
    if not found:
        sys.stdout.write("the two versions have the same content\n")
    for each in found:
        sys.stdout.write(f"{each.path}: {_shown(each.before)} → {_shown(each.after)}\n")


def _plain(difference: Difference) -> dict[str, Any]:
    sides = {"from": difference.before, "to": difference.after}
    return {"path": difference.path} | {side: value for side, value in sides.items() if value is not ABSENT}


def _shown(value: Any) -> str:
    return "(none)" if value is ABSENT else f'"{value}"' if isinstance(value, str) else value_text(value)
