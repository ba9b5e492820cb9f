"""YAML as kubectl reads and writes it: one chunk between `---` lines, made into JSON values without recursion."""

import base64
import binascii
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from launchplan_operator.cli.go_scalars import key_text, read_key, read_plain, settle_number

_PREFIX: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_PREFIX}merge"
#: Tags that change nothing about what follows them.
_COLLECTION_TAGS: Final = frozenset({None, "!", f"{_PREFIX}map", f"{_PREFIX}seq", f"{_PREFIX}set", f"{_PREFIX}omap"})
#: No manifest is nested deeper.
MAX_DEPTH: Final = 200
#: As in go-yaml: from so many values on, not nearly all may come from aliases.
_FREE_ALIASED: Final = 100
_FREE_VALUES: Final = 1000
_MAX_ALIASED: Final = 0.99
MAX_VALUES: Final = 400_000
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlProblemError(Exception):
    """A text that kubectl would not read, or that hides something from its reader; lines count from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the line of its first value, counted from 1, and what it holds."""

    line: int
    value: Any


def read_yaml(text: str) -> Iterator[Document]:
    """Yield the documents of a text; raises YamlProblemError where it cannot be read."""
    try:
        yield from _documents(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = (error.context, error.problem)
        said = ", ".join(word for word in words if word)
        raise YamlProblemError(mark.line + 1 if mark else 1, f"{said}{_about_tab(text, mark)}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise YamlProblemError(line, f"found a character that YAML does not allow: {error.reason}") from error


def write_yaml(data: Any) -> str:
    """Return plain data as one YAML document whose every value kubectl reads back as it was."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Quotes what would come back as something else, and repeats what stands twice instead of naming it."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(read_plain(text), str)
    return dumper.represent_scalar(f"{_PREFIX}str", text, style=None if plain else "'")


_Dumper.add_representer(str, _represent_text)


@dataclass(slots=True)
class _Collection:
    """A list or a map that is being read.

    Attributes:
        line: where it starts.
        value: what it holds so far.
        size: how many values it holds, those of aliases and its own included.
        key: the key whose value comes next; None in a list and where a key comes next.
        own: the keys that were written here, not merged.
        merging: whether the next value is to be merged.
    """

    line: int
    value: dict[str, Any] | list[Any]
    anchor: str | None
    size: int = 1
    aliased: int = 0
    key: str | None = None
    own: set[str] = field(default_factory=set)
    merging: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """A value that is complete, with the number of values in it, and those of them that came from aliases."""

    value: Any
    size: int = 1
    aliased: int = 0


def _documents(events: Iterator[Event]) -> Iterator[Document]:
    for event in events:
        if isinstance(event, DocumentStartEvent):
            yield _Builder().build(events)


class _Builder:
    """Makes one document from its events, with a stack of its own: no depth of nesting can exhaust Python's."""

    def __init__(self) -> None:
        self.stack: list[_Collection] = []
        self.anchors: dict[str, _Item | None] = {}
        self.result = _Item(None)

    def build(self, events: Iterator[Event]) -> Document:
        line = 0
        for event in events:
            if isinstance(event, DocumentEndEvent):
                break
            line = line or _line(event)
            self.take(event)
        return Document(line, self.result.value)

    def take(self, event: Event) -> None:
        if isinstance(event, CollectionStartEvent):
            self.open(event)
        elif isinstance(event, CollectionEndEvent):
            self.close(_line(event))
        elif isinstance(event, AliasEvent):
            self.add(self.aliased(event), _line(event))
        elif isinstance(event, ScalarEvent):
            self.scalar(event)

    def open(self, event: CollectionStartEvent) -> None:
        line = _line(event)
        if event.tag not in _COLLECTION_TAGS:
            raise YamlProblemError(line, f"found the unknown tag {_shown_tag(event.tag)}")
        if len(self.stack) >= MAX_DEPTH:
            raise YamlProblemError(line, f"found values nested more than {MAX_DEPTH} levels deep")
        if self.awaits_key():
            raise YamlProblemError(line, "found a list or a map as a key, expected a text")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Collection(line, {} if isinstance(event, MappingStartEvent) else [], event.anchor))

    def close(self, line: int) -> None:
        done = self.stack.pop()
        item = _Item(done.value, done.size, done.aliased)
        if done.anchor:
            self.anchors[done.anchor] = item
        self.add(item, line)

    def aliased(self, event: AliasEvent) -> _Item:
        line = _line(event)
        if event.anchor not in self.anchors:
            raise YamlProblemError(
                line, f"found the alias *{event.anchor}, expected an anchor &{event.anchor} before it"
            )
        item = self.anchors[event.anchor]
        if item is None:
            raise YamlProblemError(line, f"found the alias *{event.anchor} inside of what it stands for")
        return _Item(item.value, item.size, item.size)

    def scalar(self, event: ScalarEvent) -> None:
        if self.awaits_key():
            self.set_key(event)
            return
        item = _Item(_scalar(event))
        if event.anchor:
            self.anchors[event.anchor] = item
        self.add(item, _line(event))

    def awaits_key(self) -> bool:
        top = self.stack[-1] if self.stack else None
        return top is not None and isinstance(top.value, dict) and top.key is None and not top.merging

    def set_key(self, event: ScalarEvent) -> None:
        top = self.stack[-1]
        if event.value == "<<" and (event.implicit[0] or event.tag == _MERGE):
            top.merging = True
            return
        self.name(_key(event), _line(event), event.anchor)

    def name(self, key: str, line: int, anchor: str | None) -> None:
        top = self.stack[-1]
        if anchor:
            self.anchors[anchor] = _Item(key)
        if key in top.own:
            raise YamlProblemError(line, f"found the key {key!r} twice in one map{_spelt(key)}")
        top.own.add(key)
        top.key = key

    def add(self, item: _Item, line: int) -> None:
        if not self.stack:
            self.result = item
            return
        top = self.stack[-1]
        top.size += item.size
        top.aliased += item.aliased
        _refuse_bomb(top, line)
        if isinstance(top.value, list):
            top.value.append(item.value)
        elif top.merging:
            top.value.update(_merged(item.value, line))
            top.merging = False
        elif top.key is None:
            self.name(_alias_key(item.value, line), line, None)
        else:
            top.value[top.key] = item.value
            top.key = None


def _spelt(key: str) -> str:
    """Say how a key that stands in no line of the text came about."""
    return " (an unquoted y, n, on, off, yes or no is a boolean: quote the key)" if key in ("true", "false") else ""


def _refuse_bomb(top: _Collection, line: int) -> None:
    most = top.aliased > _FREE_ALIASED and top.size > _FREE_VALUES and top.aliased / top.size > _MAX_ALIASED
    if most or top.aliased > MAX_VALUES:
        raise YamlProblemError(line, "found aliases that grow into far more than is written here")


def _merged(value: Any, line: int) -> dict[str, Any]:
    """Return what a merge key brings in; of several maps the earlier wins."""
    maps = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in maps):
        raise YamlProblemError(line, "found << with something else than a map or a list of maps")
    return {key: each[key] for each in reversed(maps) for key in each}


def _scalar(event: ScalarEvent) -> Any:
    value = _tagged(event, read_plain(event.value) if event.implicit[0] else event.value)
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlProblemError(_line(event), f"found {event.value}, which JSON has no number for")
    return value


def _key(event: ScalarEvent) -> str:
    value = _tagged(event, read_key(event.value) if event.implicit[0] else event.value)
    return _key_of(value, _line(event))


def _alias_key(value: Any, line: int) -> str:
    if isinstance(value, dict | list):
        raise YamlProblemError(line, "found a list or a map as a key, expected a text")
    return _key_of(value, line)


def _key_of(value: Any, line: int) -> str:
    if value is None:
        raise YamlProblemError(line, "found null as a key, expected a text: quote it")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value >= 2**63:
        raise YamlProblemError(line, f"found the key {value}, expected a text: quote it")
    return value if isinstance(value, str) else key_text(value)


def _tagged(event: ScalarEvent, untagged: Any) -> Any:
    tag = event.tag
    if tag is None:
        return untagged
    read = _TAGS.get(tag)
    if read is None:
        raise YamlProblemError(_line(event), f"found the unknown tag {_shown_tag(tag)}")
    value = read(event.value)
    if value is _NOTHING:
        raise YamlProblemError(_line(event), f"found {event.value[:60]!r}, which is no {_shown_tag(tag)}")
    return value


_NOTHING: Final = object()


def _tagged_int(text: str) -> Any:
    number = read_key(text)
    return settle_number(number) if isinstance(number, int) and not isinstance(number, bool) else _NOTHING


def _tagged_float(text: str) -> Any:
    number = read_key(text)
    return settle_number(number) if isinstance(number, int | float) and not isinstance(number, bool) else _NOTHING


def _tagged_bool(text: str) -> Any:
    value = read_plain(text)
    return value if isinstance(value, bool) else _NOTHING


def _tagged_null(text: str) -> Any:
    return None if read_plain(text) is None else _NOTHING


def _tagged_binary(text: str) -> Any:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
    except binascii.Error:
        return _NOTHING


_TAGS: Final[dict[str, Callable[[str], Any]]] = {
    "!": str,
    f"{_PREFIX}str": str,
    f"{_PREFIX}int": _tagged_int,
    f"{_PREFIX}float": _tagged_float,
    f"{_PREFIX}bool": _tagged_bool,
    f"{_PREFIX}null": _tagged_null,
    f"{_PREFIX}binary": _tagged_binary,
    f"{_PREFIX}timestamp": str,
    _MERGE: str,
}


def _shown_tag(tag: str | None) -> str:
    return repr((tag or "").replace(_PREFIX, "!!"))


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _about_tab(text: str, mark: yaml.Mark | None) -> str:
    is_tab = mark is not None and mark.index < len(text) and text[mark.index] == "\t"
    return " (a tab; YAML is indented with blanks)" if is_tab else ""
