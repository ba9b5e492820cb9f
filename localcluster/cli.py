"""The command line: build, image, up, tour, down, status, kubeconfig, logs, tool."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from localcluster import build, cluster, operatorimage, toolsets, tour
from localcluster.cluster import LocalCluster
from localcluster.operated import OPERATOR, end_operator
from localcluster.places import LocalClusterError, cluster_dir, silent
from localcluster.supervised import is_supervised, read_state

_DEFAULT = "default"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parse(arguments)
    try:
        return int(options.run(options))
    except LocalClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read a command line; a wrong one ends the process with its usage."""
    return _parser().parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _build(options: argparse.Namespace) -> int:
    build.build_all(options.sets, _say)
    return 0


def _image(options: argparse.Namespace) -> int:
    builder = None if options.offline else operatorimage.find_builder()
    if builder:
        print(operatorimage.build_with(builder, options.base))
        return 0
    if options.base:
        raise LocalClusterError(
            "neither docker nor podman answers, and without them there is no base but Debian's packages"
        )
    if reason := operatorimage.can_build_offline():
        raise LocalClusterError(f"neither docker nor podman answers, and without them {reason}")
    image = operatorimage.build_offline(_say)
    _say(f"{image.reference}, in an OCI archive:")
    print(image.tar)
    return 0


def _up(options: argparse.Namespace) -> int:
    began = time.monotonic()
    if is_supervised(cluster_dir(options.name)):
        running = LocalCluster.attach(options.name)
        _check_same(running, options)
        running.await_ready(silent, wait=options.wait)
        _say(f"cluster {options.name} is up already, its node is {_node(running)}")
    else:
        running = LocalCluster.start(options.name, node=options.node, audit=options.audit, wait=options.wait, say=_say)
        running.detach()
        _say(f"cluster {options.name} is up after {time.monotonic() - began:.1f} s, its node is {_node(running)}")
    _say(f"kubectl: {running.program('kubectl')}")
    print(f"export KUBECONFIG={running.kubeconfig}")
    return 0


def _check_same(running: LocalCluster, options: argparse.Namespace) -> None:
    other = options.node not in {"auto", running.node}
    if other or (options.audit and not running.record.layout.audit):
        msg = f"cluster {running.name} is up with other options; first: python3 -m localcluster down --name {running.name}"
        raise LocalClusterError(msg)


def _node(running: LocalCluster) -> str:
    return f"{running.node} ({running.record.why})" if running.record.why else running.node


def _tour(options: argparse.Namespace) -> int:
    began = time.monotonic()
    tour.tour(options.name, options.context, _say, _show)
    _say(f"\nall of that took {time.monotonic() - began:.0f} s")
    return 0


def _show(text: str) -> None:
    print(text, flush=True)


def _down(options: argparse.Namespace) -> int:
    if options.context:
        _say("the operator has ended" if tour.end_on(options.context) else "no operator is running for that context")
        return 0
    if options.all:
        for running in cluster.running():
            if running.attached:
                _say(
                    f"cluster {running.name} stays: whoever started it still runs (down --name {running.name} ends it)"
                )
            else:
                _stop(running)
        for directory in cluster.dead():
            cluster.sweep(directory.name)
        return 0
    directory = cluster_dir(options.name)
    if is_supervised(directory):
        _stop(LocalCluster.attach(options.name))
        return 0
    cluster.sweep(options.name)
    _say(f"no cluster {options.name} is running")
    return 0


def _stop(running: LocalCluster) -> None:
    began = time.monotonic()
    end_operator(running.directory / OPERATOR)
    running.stop()
    _say(f"cluster {running.name} stopped in {time.monotonic() - began:.1f} s")


def _status(options: argparse.Namespace) -> int:
    found = [each for each in cluster.running() if options.name in {None, each.name}]
    for each in found:
        _describe(each)
    for directory in cluster.dead():
        if options.name in {None, directory.name}:
            print(f"{directory.name}: dead, its files are in {directory}")
    if not found:
        print(f"no cluster {options.name or ''}".rstrip() + " is running")
    for tools in toolsets.TOOL_SETS.values():
        place = build.built(tools)
        print(f"tools {tools.name}: {place if place.exists() else 'not built'}")
    return 0 if found or options.name is None else 1


def _describe(running: LocalCluster) -> None:
    print(f"{running.name}: {running.url}, node {_node(running)}, supervisor {running.pid}")
    components = running.components()
    if is_supervised(running.directory / OPERATOR):
        components |= read_state(running.directory / OPERATOR)["components"]
    for name, each in components.items():
        print(f"  {name:<24} {'running' if each['pid'] else 'not running':<12} restarts {max(each['restarts'], 0)}")


def _kubeconfig(options: argparse.Namespace) -> int:
    print(LocalCluster.attach(options.name).kubeconfig)
    return 0


def _logs(options: argparse.Namespace) -> int:
    directory = cluster_dir(options.name)
    logs = {path.stem: path for path in (*directory.glob(f"{OPERATOR}/logs/*.log"), *directory.glob("logs/*.log"))}
    if options.component:
        return _print_log(logs.get(options.component, directory / "logs" / f"{options.component}.log"))
    for name, path in sorted(logs.items()):
        print(f"{name:<24} {path}")
    return 0


def _print_log(path: Path) -> int:
    if not path.exists():
        msg = f"no log {path}"
        raise LocalClusterError(msg)
    print(path.read_text(errors="replace"), end="")
    return 0


def _tool(options: argparse.Namespace) -> int:
    for tools in toolsets.TOOL_SETS.values():
        if options.program in tools.programs:
            print(build.ensure(tools, [options.program], _say) / options.program)
            return 0
    msg = f"no tool set has a program {options.program}"
    raise LocalClusterError(msg)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m localcluster", description="a real Kubernetes on this machine")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build_ = commands.add_parser("build", help="build the programs, once; minutes when nothing is cached")
    build_.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(toolsets.TOOL_SETS)}; default all")
    build_.set_defaults(run=_build)

    image = commands.add_parser(
        "image", help="build the operator's image: by docker or podman, else from Debian's packages"
    )
    image.add_argument(
        "--base", default="", help="the base, such as python:3.11-slim-bookworm@sha256:…; needs docker or podman"
    )
    image.add_argument("--offline", action="store_true", help="from Debian's packages even where docker or podman is")
    image.set_defaults(run=_image)

    up = commands.add_parser("up", help="start a cluster, or find it running")
    up.add_argument("--node", choices=("auto", "real", "stub", "none"), default="auto", help="who runs pods")
    up.add_argument("--audit", action="store_true", help="write audit.log")
    up.add_argument("--wait", action="store_true", help="until a real node is Ready too")
    up.set_defaults(run=_up)

    tour_ = commands.add_parser(
        "tour", help="start a cluster and the operator, run the first example, show the outcome"
    )
    tour_.add_argument("--context", default="", help="use the existing cluster of this kubeconfig context instead")
    tour_.set_defaults(run=_tour)

    down = commands.add_parser("down", help="stop a cluster and remove its files")
    down.add_argument("--all", action="store_true", help="every cluster that `up` left running")
    down.add_argument("--context", default="", help="only end the operator of a tour of this context's cluster")
    down.set_defaults(run=_down)

    status = commands.add_parser("status", help="what runs, and what is built")
    status.add_argument("--name", help="only this cluster; fails if it does not run")
    status.set_defaults(run=_status)

    kubeconfig = commands.add_parser("kubeconfig", help="print the path of the kubeconfig")
    kubeconfig.set_defaults(run=_kubeconfig)

    logs = commands.add_parser("logs", help="print a component's log, or list the logs")
    logs.add_argument("component", nargs="?")
    logs.set_defaults(run=_logs)

    tool = commands.add_parser("tool", help="print the path of a program, built if need be")
    tool.add_argument("program")
    tool.set_defaults(run=_tool)

    for each in (up, tour_, down, kubeconfig, logs):
        each.add_argument("--name", default=_DEFAULT, help=f"the instance (default {_DEFAULT})")
    return parser
