"""`run`: starts a plan or a workflow by hand, or somebody else's plan through a reference, after the checks that the operator would make."""

import argparse
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from launchplan_operator.api.kinds import LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.cluster import Cluster, shown, with_cluster
from launchplan_operator.cli.given import read_given
from launchplan_operator.cli.outcomes import EXIT_TEXT, add_timeout_option, await_end, write_end
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option, visible, write_data
from launchplan_operator.cli.resolve import add_input_options
from launchplan_operator.cli.targets import Target, read_target
from launchplan_operator.kube.transport import Object

_FORMATS: Final = ("text", "name", "json", "yaml")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or lp/NAME, wfd/NAME, or rlp/NAME")
    parser.add_argument("--version", metavar="V", help="a version (default: the active one, else the latest)")
    add_input_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="check everything, print the manifest, create nothing")
    add_follow_options(parser)
    add_output_option(parser, formats=_FORMATS)
    add_cluster_options(parser)
    add_examples(
        parser,
        f"""
  kubectl launchplan run report --input city=Oslo
  kubectl launchplan run report --version 3f2a9c81d0 --inputs inputs.yaml --wait
  kubectl launchplan run wfd/report --input city=Oslo --logs
  kubectl launchplan run rlp/their-report --input city=Oslo --wait
  kubectl launchplan run report --input city=Oslo --dry-run

{EXIT_TEXT}
""",
    )


def add_follow_options(parser: argparse.ArgumentParser) -> None:
    """Add what waits for the run that was started."""
    parser.add_argument("--wait", action="store_true", help="wait for the end; the exit code says how it ended")
    parser.add_argument("--logs", action="store_true", help="show the log as it is written, and wait")
    add_timeout_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _run)


async def _run(cluster: Cluster, options: argparse.Namespace) -> int:
    from launchplan_operator.cli.contracts import read_contract, resolve_given, write_findings  # noqa: PLC0415
    from launchplan_operator.cli.requests import build_request, try_request  # noqa: PLC0415

    kinds = (LAUNCH_PLANS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS)
    target, given = read_target(options.plan, *kinds), read_given(options)
    contract = await read_contract(cluster, target, options.version)
    resolved = resolve_given(contract, given)
    if isinstance(resolved, tuple):
        return write_findings(resolved)
    request = build_request(cluster, target.name, _spec(target, options.version, resolved.caller))
    if options.dry_run:
        await try_request(cluster, request)
        write_data(request, "json" if options.output == "json" else "yaml")
        return 0
    return await start(cluster, options, target.name, request)


async def start(cluster: Cluster, options: argparse.Namespace, launcher: str, request: Object) -> int:
    """Create an execution, and follow it as far as the options say; returns the exit code."""
    from launchplan_operator.cli.requests import create_request  # noqa: PLC0415

    created = await create_request(cluster, launcher, request)
    name = created["metadata"]["name"]
    if not (options.wait or options.logs):
        _write_created(created, options.output)
        return 0
    if options.output == "name":
        sys.stdout.write(f"lpx/{name}\n")
        sys.stdout.flush()
    sys.stderr.write(f"lpx/{name}: created\n")
    ended = await (_show_until_end if options.logs else await_end)(cluster, name, options.timeout)
    return write_end(ended, options.output)


async def _show_until_end(cluster: Cluster, name: str, patience: timedelta | None) -> Object:
    """Show a run's log, and wait; who may not see the pods of a run elsewhere waits none the less."""
    from launchplan_operator.cli.logs import show_until_end  # noqa: PLC0415
    from launchplan_operator.cli.remotes import RemoteForbidden  # noqa: PLC0415

    try:
        return await show_until_end(cluster, name, patience)
    except RemoteForbidden as problem:
        sys.stderr.write(f"note: {visible(problem.text)}\n")
        return await await_end(cluster, name, patience)


def _write_created(created: Object, form: str) -> None:
    name = created["metadata"]["name"]
    if form in ("json", "yaml"):
        write_data(shown(created), form)
        return
    sys.stdout.write(f"lpx/{name}\n" if form == "name" else f"lpx/{name} created\n")


def _spec(target: Target, version: str | None, inputs: Mapping[str, Any]) -> dict[str, Any]:
    reference = {"kind": target.kind.kind, "name": target.name} | ({"version": version} if version else {})
    return {"launchPlanRef": reference} | ({"inputs": dict(inputs)} if inputs else {})
