"""Setting a value deep in a spec: `schedule.cron=0 6 * * *`, `job.template.spec.containers.0.image=busybox`."""

import re
from typing import Any, Final

from launchplan_operator.api.jsonvalues import NOT_JSON, read_json
from launchplan_operator.cli.problems import Problem

#: A dot that belongs to a key is written with a backslash before it.
_DOT: Final = re.compile(r"(?<!\\)\.")


def read_assignment(text: str) -> tuple[list[str], Any]:
    """Return the keys and the value of `path=value`; what is no JSON is a text.

    Raises:
        Problem: there is no path.
    """
    path, equals, value = text.partition("=")
    keys = [part.replace("\\.", ".") for part in _DOT.split(path.removeprefix("spec."))]
    if not equals or "" in keys:
        raise Problem(f"found --set {text!r}, expected PATH=VALUE, such as schedule.timeZone=Europe/Oslo")
    return keys, _value(value)


def assign(spec: Any, keys: list[str], value: Any) -> None:
    """Set a value in a spec, making the maps on the way; null removes a key.

    Raises:
        Problem: the path leads through something that is no map, or to no item of a list.
    """
    *way, last = keys
    for index, key in enumerate(way):
        spec = _enter(spec, key, ".".join(keys[: index + 1]))
    if isinstance(spec, list):
        spec[_position(spec, last, ".".join(keys))] = value
    elif not isinstance(spec, dict):
        raise Problem(f"found --set {'.'.join(keys)}, but there is no map to put {last!r} in")
    elif value is None:
        spec.pop(last, None)
    else:
        spec[last] = value


def _enter(spec: Any, key: str, path: str) -> Any:
    if isinstance(spec, list):
        return spec[_position(spec, key, path)]
    if isinstance(spec, dict):
        return spec.setdefault(key, {})
    raise Problem(f"found --set {path}, but there is no map to look for {key!r} in")


def _position(items: list[Any], key: str, path: str) -> int:
    """Return the place of a list's item: its number, or the name that it bears."""
    named = [index for index, item in enumerate(items) if isinstance(item, dict) and item.get("name") == key]
    if named:
        return named[0]
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    raise Problem(f"found --set {path}, but the list has no item {key!r}; it has {len(items)}")


def _value(text: str) -> Any:
    value = read_json(text)
    return text if value is NOT_JSON else value
