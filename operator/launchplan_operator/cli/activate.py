"""`activate`: makes a version of a plan the active one."""

import argparse

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.output import add_examples
from launchplan_operator.cli.revisions import unknown_version
from launchplan_operator.cli.switches import add_plan_argument, change_plan
from launchplan_operator.cli.targets import read_target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--version", metavar="V", help="this version, whatever comes later (default: always the newest valid one)"
    )
    add_plan_argument(parser)
    add_examples(
        parser, "\n  kubectl launchplan activate report\n  kubectl launchplan activate report --version 3f2a9c81d0\n"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _activate)


async def _activate(cluster: Cluster, options: argparse.Namespace) -> int:
    if options.version is None:
        spec = {"autoActivate": True, "activeVersion": None}
        return await change_plan(cluster, options.plan, spec, "follows its newest valid version")
    plan = await cluster.read(LAUNCH_PLANS, read_target(options.plan, LAUNCH_PLANS).name)
    known = [entry["version"] for entry in (plan.get("status") or {}).get("versions") or ()]
    if options.version not in known:
        raise unknown_version(plan, options.version, known)
    spec = {"activeVersion": options.version}
    return await change_plan(cluster, options.plan, spec, f"is pinned to version {options.version}")
