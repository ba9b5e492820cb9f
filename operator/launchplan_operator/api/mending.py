"""How a mistake is mended: a change of the object, told as a command that a person can run as it is."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launchplan_operator.api.kinds import Kind

#: The short names under which `kubectl` knows our kinds.
SHORT_NAMES = {
    "WorkflowDefinition": "wfd",
    "LaunchPlan": "lp",
    "LaunchPlanExecution": "lpx",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The object that a command is about: its short kind, namespace and name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One change that mends a finding, or a first step towards it.

    Attributes:
        merge: a JSON merge patch of the object.
        ops: JSON patch operations, for items of a list, which a merge patch cannot reach.
        command: a whole command, where the change is none of the object; `{namespace}` stands for its namespace.
        of: the short kind and the name of the object to change, where it is another one.
    """

    merge: Mapping[str, Any] = field(default_factory=dict)
    ops: tuple[Mapping[str, Any], ...] = ()
    command: str = ""
    of: tuple[str, str] | None = None


def set_field(value: Any, *path: str) -> Fix:
    """Return the fix that gives a field a value; None removes it. `path` begins below the object, as in `spec`, `cron`."""
    body = value
    for part in reversed(path):
        body = {part: body}
    return Fix(merge=body)


def run_command(*words: str) -> Fix:
    """Return the fix that is a command of its own."""
    return Fix(command=shlex.join(words).replace("{", "{{").replace("}", "}}") + " -n {namespace}")


def retarget(fix: Fix | None, kind: str, name: str) -> Fix | None:
    """Return a fix of another object, for the one that suffers from it."""
    return replace(fix, of=fix.of or (kind, name)) if fix is not None else None


def mend_command(fixes: Iterable[Fix | None], target: Target) -> str:
    """Return the shell command that makes all these changes at once; empty where there is none."""
    steps: dict[str, None] = {}
    by_object: dict[tuple[str, str], list[Fix]] = {}
    for fix in fixes:
        if fix is None:
            continue
        if fix.command:
            steps[fix.command.format(namespace=target.namespace)] = None
            continue
        by_object.setdefault(fix.of or (target.kind, target.name), []).append(fix)
    for (kind, name), each in by_object.items():
        steps |= dict.fromkeys(_patches(Target(kind, target.namespace, name), each))
    return " && ".join(steps)


def target_of(kind: Kind, obj: Mapping[str, Any]) -> Target:
    """Return what commands about an object name."""
    return Target(SHORT_NAMES[kind.kind], obj["metadata"]["namespace"], obj["metadata"]["name"])


def _patches(target: Target, fixes: Iterable[Fix]) -> Iterable[str]:
    merge: dict[str, Any] = {}
    ops: list[Mapping[str, Any]] = []
    for fix in fixes:
        merge = _merged(merge, fix.merge)
        ops += fix.ops
    if merge:
        yield _patch(target, "merge", merge)
    if ops:
        yield _patch(target, "json", ops)


def _patch(target: Target, kind: str, body: Any) -> str:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    words = ("kubectl", "patch", target.kind, target.name, "-n", target.namespace, f"--type={kind}", "-p", text)
    return shlex.join(words)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return merged
