"""`relaunch`: runs a run once more, the same version with the same inputs, but for those that are given anew."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.cli.cluster import KINDS, Cluster, with_cluster
from launchplan_operator.cli.given import Given, read_given
from launchplan_operator.cli.outcomes import EXIT_TEXT
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.resolve import add_input_options
from launchplan_operator.cli.run import add_follow_options, start
from launchplan_operator.cli.targets import Target, read_target
from launchplan_operator.kube.transport import Object

#: What is the run's own and not part of what is run again.
_OWN: Final = frozenset({"terminate", "relaunchOf", "inputs", "launchPlanRef"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", help="the run to run once more: its name, or lpx/NAME")
    add_input_options(parser)
    add_follow_options(parser)
    add_output_option(parser, formats=("text", "name", "json", "yaml"))
    add_cluster_options(parser)
    add_examples(
        parser,
        f"""
  kubectl launchplan relaunch report-x7k2p
  kubectl launchplan relaunch report-x7k2p --input days=14 --wait

{EXIT_TEXT}
""",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _relaunch)


async def _relaunch(cluster: Cluster, options: argparse.Namespace) -> int:
    from launchplan_operator.cli.contracts import read_contract, resolve_given, write_findings  # noqa: PLC0415
    from launchplan_operator.cli.requests import build_request  # noqa: PLC0415

    given = read_given(options)
    before = await _with_wishes(
        cluster, await cluster.read(LAUNCH_PLAN_EXECUTIONS, read_target(options.run, LAUNCH_PLAN_EXECUTIONS).name)
    )
    target, version = _launcher(before)
    contract = await read_contract(cluster, target, version)
    again = Given(given.texts, {**(before["spec"].get("inputs") or {}), **given.values})
    resolved = resolve_given(contract, again)
    if isinstance(resolved, tuple):
        return write_findings(resolved)
    request = build_request(cluster, target.name, _spec(before, target, version, resolved.caller))
    return await start(cluster, options, target.name, request)


async def _with_wishes(cluster: Cluster, run: Object) -> Object:
    """Return a run with all that it took over from the earlier runs of which it is one more."""
    from launchplan_operator.decide.relaunch import merge_relaunch  # noqa: PLC0415 - not for --help

    wish, earlier, met = run["spec"], run["spec"].get("relaunchOf"), {run["metadata"]["name"]}
    while earlier is not None and earlier not in met:
        met.add(earlier)
        source = await cluster.read(LAUNCH_PLAN_EXECUTIONS, earlier)
        merged = merge_relaunch(wish, source)
        if not isinstance(merged, dict):
            raise Problem(merged.text, reason=merged.reason, exit_code=FAILURE_EXIT)
        wish, earlier = merged, source["spec"].get("relaunchOf")
    return run | {"spec": wish}


def _launcher(before: Object) -> tuple[Target, str | None]:
    """Return what a run ran, and in which version."""
    reference = before["spec"]["launchPlanRef"]
    kind = KINDS[reference.get("kind", LAUNCH_PLANS.kind)]
    ran = (before.get("status") or {}).get("launchPlanVersion")
    return Target(kind, reference["name"]), ran or reference.get("version")


def _spec(before: Object, target: Target, version: str | None, inputs: Mapping[str, Any]) -> dict[str, Any]:
    settings = {key: value for key, value in before["spec"].items() if key not in _OWN}
    reference = {"kind": target.kind.kind, "name": target.name} | ({"version": version} if version else {})
    own = {"launchPlanRef": reference, "relaunchOf": before["metadata"]["name"]}
    return settings | own | ({"inputs": dict(inputs)} if inputs else {})
