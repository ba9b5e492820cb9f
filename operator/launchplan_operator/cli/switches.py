"""What turns a plan on and off: a change of one or two fields of its spec, and a sentence about it."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.cli.cluster import Cluster
from launchplan_operator.cli.output import add_cluster_options
from launchplan_operator.cli.targets import read_target
from launchplan_operator.decide.retention import tracker_of
from launchplan_operator.kube.transport import Object


def add_plan_argument(parser: argparse.ArgumentParser) -> None:
    """Add the plan, and where it is."""
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or lp/NAME")
    add_cluster_options(parser)


async def change_plan(cluster: Cluster, text: str, spec: Mapping[str, Any], said: str) -> int:
    """Merge into a plan's spec and say what it is now; returns the exit code."""
    name = read_target(text, LAUNCH_PLANS).name
    plan = await cluster.change(LAUNCH_PLANS, name, spec)
    sys.stdout.write(f"lp/{name} {said}{_managed(plan)}\n")
    return 0


def _managed(plan: Object) -> str:
    """Say who may undo the change: what a tool keeps in step with a repository, it brings back."""
    found = tracker_of(plan["metadata"])
    return f"; {found[0]} keeps it and may bring it back: change it there too" if found else ""
