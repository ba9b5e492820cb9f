"""What kubectl would make of an object with a mending command, for tests that look whether it mends."""

import json
import shlex
from copy import deepcopy
from itertools import groupby
from typing import Any

from tests.fake.patch import merge_patch

Object = dict[str, Any]


def commands_of(text: str) -> list[list[str]]:
    """Return the words of each command that a shell would run in turn."""
    words = shlex.split(text)
    return [list(each) for is_and, each in groupby(words, lambda word: word == "&&") if not is_and]


def patched(obj: Object, text: str) -> Object:
    """Return an object after every `kubectl patch` of it."""
    result = deepcopy(obj)
    for words in commands_of(text):
        assert words[:2] == ["kubectl", "patch"], words
        kind, body = words[6].removeprefix("--type="), json.loads(words[8])
        result = merge_patch(result, body) if kind == "merge" else _json_patch(result, body)
    return result


def _json_patch(obj: Any, ops: list[Object]) -> Any:
    for op in ops:
        *parents, last = (step.replace("~1", "/").replace("~0", "~") for step in op["path"].split("/")[1:])
        place = obj
        for step in parents:
            place = place[int(step) if isinstance(place, list) else step]
        key: Any = int(last) if isinstance(place, list) else last
        if op["op"] == "remove":
            del place[key]
            continue
        if op["op"] == "add" and isinstance(place, list):
            assert 0 <= key <= len(place)
            place.insert(key, op["value"])
            continue
        assert op["op"] == "add" or key in (range(len(place)) if isinstance(place, list) else place)
        place[key] = op["value"]
    return obj
