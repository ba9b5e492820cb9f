"""What of a cluster a word may become: names of plans, runs and versions, and inputs of an interface."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.cli.cluster import SHORT, Cluster, with_cluster
from launchplan_operator.cli.kubeconfig import context_names
from launchplan_operator.cli.list import PHASES
from launchplan_operator.cli.targets import read_target

#: A person waits for the candidates; seconds.
_PATIENCE: Final = 2.0
_PLANS: Final = (LAUNCH_PLANS,)
_RUNS: Final = (LAUNCH_PLAN_EXECUTIONS,)
_LAUNCHERS: Final = (LAUNCH_PLANS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS)
#: What the first argument of each command names; the first kind is written without its short name.
FIRST: Final[dict[str, tuple[Kind, ...]]] = {
    "next": _PLANS,
    "run": _LAUNCHERS,
    "wait": _RUNS,
    "logs": _RUNS,
    "terminate": _RUNS,
    "relaunch": _RUNS,
    "list": _LAUNCHERS,
    "describe": (LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS),
    "activate": _PLANS,
    "deactivate": _PLANS,
    "suspend": _PLANS,
    "resume": _PLANS,
    "versions": _PLANS,
    "clone": _LAUNCHERS,
}


@dataclass(slots=True)
class Words:
    """What was typed so far: arguments in order, options by their name."""

    arguments: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


def suggest(
    command: str, before: Sequence[str], waiting: argparse.Action | None, actions: Sequence[argparse.Action]
) -> list[str]:
    """Return candidates for the next word; none where the cluster cannot be asked, as nobody would read why.

    Args:
        command: the command.
        before: the words before the one that is completed.
        waiting: the option whose value comes next, if one does.
        actions: the command's arguments.
    """
    words = read_words(before[before.index(command) + 1 :], actions)
    try:
        return _of_option(words, waiting.dest, command) if waiting else _of_argument(words, command)
    except Exception:  # noqa: BLE001 - whatever it is, a completion says nothing of it
        return []


def read_words(words: Sequence[str], actions: Sequence[argparse.Action]) -> Words:
    """Return the words of a command as arguments and options."""
    by_string = {string: action for action in actions for string in action.option_strings}
    read, rest = Words(), list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        action = by_string.get(name)
        if action is None:
            read.arguments += [] if word.startswith("-") else [word]
        elif equals:
            read.options[action.dest] = value
        elif action.nargs != 0 and rest:
            read.options[action.dest] = rest.pop(0)
    return read


def _of_argument(words: Words, command: str) -> list[str]:
    if not words.arguments and command in FIRST:
        return _ask(words, lambda cluster: _names(cluster, FIRST[command]))
    if command == "versions":
        return _ask(words, lambda cluster: _versions(cluster, words))
    return []


def _of_option(words: Words, option: str, command: str) -> list[str]:
    if option == "context":
        return context_names(words.options.get("kubeconfig"))
    if option == "phase":
        return list(PHASES)
    if "filename" in words.options:
        return []
    found: dict[str, Callable[[Cluster], Awaitable[list[str]]]] = {
        "namespace": _namespaces,
        "plan": lambda cluster: _names(cluster, _LAUNCHERS),
        "version": lambda cluster: _versions(cluster, words),
        "plan_version": lambda cluster: _versions(cluster, words),
        "input": lambda cluster: _inputs(cluster, words, command),
    }
    return _ask(words, found[option]) if option in found else []


def _ask(words: Words, question: Callable[[Cluster], Awaitable[list[str]]]) -> list[str]:
    found: list[str] = []

    async def ask(cluster: Cluster, _options: argparse.Namespace) -> int:
        found.extend(await question(cluster))
        return 0

    chosen = {name: words.options.get(name) for name in ("namespace", "context", "kubeconfig")}
    with_cluster(argparse.Namespace(**chosen), ask, _PATIENCE)
    return found


async def _namespaces(cluster: Cluster) -> list[str]:
    return [obj["metadata"]["name"] for obj in (await cluster.client.list(NAMESPACES)).items]


async def _names(cluster: Cluster, kinds: Sequence[Kind]) -> list[str]:
    names: list[str] = []
    for kind in kinds:
        prefix = "" if kind == kinds[0] else f"{SHORT[kind]}/"
        listing = await cluster.client.list(kind, cluster.namespace)
        names += [f"{prefix}{obj['metadata']['name']}" for obj in listing.items]
    return names


async def _versions(cluster: Cluster, words: Words) -> list[str]:
    target = read_target(words.options.get("plan") or words.arguments[0], *_LAUNCHERS)
    status = (await cluster.read(target.kind, target.name)).get("status") or {}
    if target.kind == REFERENCE_LAUNCH_PLANS:  # of the others only the plan's owner knows
        return [status["resolved"]["version"]] if status.get("resolved") else []
    return [entry["version"] for entry in reversed(status.get("versions") or ())]


async def _inputs(cluster: Cluster, words: Words, command: str) -> list[str]:
    """Return `name=` of each input, with its type for the shells that show it."""
    text = words.options.get("plan") or words.arguments[0]
    if command == "relaunch":
        run = await cluster.read(LAUNCH_PLAN_EXECUTIONS, read_target(text, *_RUNS).name)
        reference = run["spec"]["launchPlanRef"]
        text = f"{reference.get('kind', LAUNCH_PLANS.kind).lower()}/{reference['name']}"
    target = read_target(text, *_LAUNCHERS)
    obj = await cluster.read(target.kind, target.name)
    interface = (obj.get("status") or {}).get("interface") or obj["spec"].get("interface") or obj["spec"]
    parameters = interface.get("parameters") or interface.get("inputs") or ()
    return [f"{each['name']}=\t{each['type']}" for each in parameters]
