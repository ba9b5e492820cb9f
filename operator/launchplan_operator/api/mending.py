"""How a mistake is mended: a change of the object, told as a command that a person can run as it is."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launchplan_operator.api.kinds import Kind

#: The short names under which `kubectl` knows our kinds.
SHORT_NAMES = {
    "WorkflowDefinition": "wfd",
    "LaunchPlan": "lp",
    "ReferenceLaunchPlan": "rlp",
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
        command: a whole command, where the change is no patch; `{kind}`, `{name}` and `{namespace}` stand for the object.
        of: the short kind and the name of the object to change, where it is another one.
        then: a whole command for when everything is changed; `{namespace}` stands for the object's.
    """

    merge: Mapping[str, Any] = field(default_factory=dict)
    ops: tuple[Mapping[str, Any], ...] = ()
    command: str = ""
    of: tuple[str, str] | None = None
    then: str = ""


def set_field(value: Any, *path: str) -> Fix:
    """Return the fix that gives a field a value; None removes it. `path` begins below the object, as in `spec`, `cron`."""
    body = value
    for part in reversed(path):
        body = {part: body}
    return Fix(merge=body)


def put_value(value: Any, *path: str) -> Fix:
    """Return the fix that puts a value in the place of whatever a map has there; None removes it.

    Unlike `set_field` it does not merge an object into one that is there. The map itself must be there.
    """
    if not isinstance(value, Mapping):
        return set_field(value, *path)
    return Fix(ops=({"op": "add", "path": _pointer(path), "value": value},))


def set_item(value: Any, path: str) -> Fix:
    """Return the fix that gives what is in a list another value; `path` is one such as `spec.env[0].name`."""
    return Fix(ops=({"op": "replace", "path": _pointer(_split(path)), "value": value},))


def remove_item(path: str) -> Fix:
    """Return the fix that removes an item of a list, or a field of one."""
    return Fix(ops=({"op": "remove", "path": _pointer(_split(path))},))


def edit_object() -> Fix:
    """Return the fix that only a person can make."""
    return Fix(command="kubectl edit {kind} {name} -n {namespace}")


def run_command(*words: str) -> Fix:
    """Return the fix that is a command of its own."""
    return Fix(command=command_text(*words))


def command_text(*words: str) -> str:
    """Return a command in an object's namespace, for a fix."""
    return shlex.join(words).replace("{", "{{").replace("}", "}}") + " -n {namespace}"


def join_fixes(fixes: Iterable[Fix | None]) -> Fix | None:
    """Return the one fix that makes all changes to an object; where there is none to make, the first command."""
    known = [fix for fix in fixes if fix is not None]
    merge: dict[str, Any] = {}
    for fix in known:
        merge = _merged(merge, fix.merge)
    ops = tuple(op for fix in known for op in fix.ops)
    return Fix(merge, ops) if merge or ops else next(iter(known), None)


def retarget(fix: Fix | None, kind: str, name: str) -> Fix | None:
    """Return a fix of another object, for the one that suffers from it."""
    return replace(fix, of=fix.of or (kind, name)) if fix is not None else None


def mend_command(fixes: Iterable[Fix | None], target: Target) -> str:
    """Return the shell command that makes all these changes at once; empty where there is none.

    Where two fixes give a field different values, the first one counts.
    """
    steps: dict[str, None] = {}
    last: dict[str, None] = {}
    by_object: dict[tuple[str, str], list[Fix]] = {}
    for fix in fixes:
        if fix is None:
            continue
        kind, name = fix.of or (target.kind, target.name)
        if fix.then:
            last[fix.then.format(namespace=target.namespace)] = None
        if fix.command:
            steps[fix.command.format(kind=kind, name=name, namespace=target.namespace)] = None
        elif fix.merge or fix.ops:
            by_object.setdefault((kind, name), []).append(fix)
    for (kind, name), each in by_object.items():
        steps |= dict.fromkeys(_patches(Target(kind, target.namespace, name), each))
    return " && ".join(steps | last)


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
        yield _patch(target, "json", _in_order(ops))


def _in_order(ops: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each once; removals come last, and the last item of a list first, so that no other one moves before its turn."""
    once = {op["path"]: op for op in reversed([*ops])}
    kept = [*reversed(once.values())]
    removals = [op for op in kept if op["op"] == "remove"]
    others = [op for op in kept if op["op"] != "remove"]
    return others + sorted(removals, key=lambda op: _steps(op["path"]), reverse=True)


def _steps(pointer: str) -> list[tuple[int, str]]:
    return [(int(step), "") if step.isdecimal() else (-1, step) for step in pointer.split("/")]


def _split(path: str) -> list[str]:
    return re.sub(r"\[([0-9]+)\]", r".\1", path).split(".")


def _pointer(steps: Iterable[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _patch(target: Target, kind: str, body: Any) -> str:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    words = ("kubectl", "patch", target.kind, target.name, "-n", target.namespace, f"--type={kind}", "-p", text)
    return shlex.join(words)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**second, **first}
    for key in first.keys() & second.keys():
        one, other = first[key], second[key]
        merged[key] = _merged(one, other) if isinstance(one, Mapping) and isinstance(other, Mapping) else one
    return {key: merged[key] for key in (*first, *(key for key in second if key not in first))}
