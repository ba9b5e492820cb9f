"""`terminate`: asks for a run's end, with a cause that stands in its conditions."""

import argparse
import sys

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.outcomes import has_ended, phase_of
from launchplan_operator.cli.output import add_cluster_options, add_examples
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.targets import read_target
from launchplan_operator.kube.transport import Object


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", help="a run's name, or lpx/NAME")
    parser.add_argument("--cause", metavar="TEXT", required=True, help="why; it stands in the run's conditions")
    add_cluster_options(parser)
    add_examples(parser, '\n  kubectl launchplan terminate report-x7k2p --cause "wrong city"\n')


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _terminate)


async def _terminate(cluster: Cluster, options: argparse.Namespace) -> int:
    name = read_target(options.run, LAUNCH_PLAN_EXECUTIONS).name
    _refuse_useless(await cluster.read(LAUNCH_PLAN_EXECUTIONS, name))
    await cluster.change(LAUNCH_PLAN_EXECUTIONS, name, {"terminate": {"cause": options.cause}})
    sys.stdout.write(f"lpx/{name} is told to end\n")
    return 0


def _refuse_useless(execution: Object) -> None:
    name = execution["metadata"]["name"]
    if has_ended(execution):
        raise Problem(f"{name} has ended already: {phase_of(execution)}", exit_code=FAILURE_EXIT)
    if "terminate" in execution["spec"]:
        cause = execution["spec"]["terminate"]["cause"]
        raise Problem(f"{name} was told to end already, with the cause {cause!r}", exit_code=FAILURE_EXIT)
