"""The difference between two JSON values, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Stands for a field that is not there.
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; `ABSENT` where a side lacks it."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield every field that differs, in the order of paths; items of lists that have names are compared by name."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), place)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield Difference(path, before, after)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    left, right = _keyed(before), _keyed(after)
    if left is None or right is None:
        left, right = dict(enumerate(before)), dict(enumerate(after))
    keys = [*left, *(key for key in right if key not in left)]
    for key in keys:
        yield from differences(left.get(key, ABSENT), right.get(key, ABSENT), f"{path}[{key}]")
    if left.keys() == right.keys() and list(left) != list(right):
        yield Difference(f"{path} (order)", list(left), list(right))


def _keyed(items: list[Any]) -> dict[Any, Any] | None:
    """Return the items by their names, if each has one of its own."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        return None
    return dict(zip(names, items, strict=True))
