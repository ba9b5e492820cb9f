"""`wait`: waits for a run's end; the exit code says how it ended."""

import argparse

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.outcomes import EXIT_TEXT, add_timeout_option, await_end, write_end
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option
from launchplan_operator.cli.targets import read_target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", help="a run's name, or lpx/NAME")
    add_timeout_option(parser)
    add_output_option(parser)
    add_cluster_options(parser)
    add_examples(parser, f"\n  kubectl launchplan wait report-x7k2p --timeout 1h\n\n{EXIT_TEXT}\n")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _wait)


async def _wait(cluster: Cluster, options: argparse.Namespace) -> int:
    name = read_target(options.run, LAUNCH_PLAN_EXECUTIONS).name
    return write_end(await await_end(cluster, name, options.timeout), options.output)
