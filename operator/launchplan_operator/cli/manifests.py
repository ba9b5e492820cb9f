"""The manifests of a command line: files, directories and stdin, read as kubectl reads what `-f` names."""

import codecs
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from launchplan_operator.cli.go_scalars import settle_number
from launchplan_operator.cli.problems import Problem
from launchplan_operator.cli.yaml_text import MAX_DEPTH, YamlProblemError, read_yaml

STDIN: Final = "-"
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
#: What ends a document for kubectl: three dashes, with nothing but blanks or a comment after them.
_SEPARATOR: Final = re.compile(r"^---[ \t\r]*(?:#.*)?$", re.MULTILINE)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file: its JSON as kubectl would send it."""

    file: str
    obj: dict[str, Any]

    @property
    def api_version(self) -> str:
        """The `apiVersion`, empty if it is no text."""
        return _text(self.obj.get("apiVersion"))

    @property
    def kind(self) -> str:
        """The kind, empty if it is no text."""
        return _text(self.obj.get("kind"))

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata, empty if they are no object."""
        found = self.obj.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        """The name, or the prefix of one that the API server shall make."""
        return _text(self.metadata.get("name")) or _text(self.metadata.get("generateName"))

    @property
    def namespace(self) -> str:
        """The namespace, empty if none is given."""
        return _text(self.metadata.get("namespace"))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place that could not be read; lines count from 1, and 0 is the whole file."""

    file: str
    line: int
    message: str

    @property
    def text(self) -> str:
        """The sentence for people: `file:line: message`."""
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class Stream:
    """All that was read, in order."""

    manifests: list[Manifest] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


class _JsonProblemError(ValueError):
    """A JSON text that kubectl reads and that hides something."""


def read_manifests(sources: Sequence[str], *, recursive: bool = False) -> Stream:
    """Read files, directories and, for `-`, stdin.

    Of a directory *.yaml, *.yml and *.json count, and those below it only if `recursive`.

    Raises:
        Problem: if a source does not exist or cannot be opened.
    """
    stream = Stream()
    for name in (name for source in sources for name in _files(source, recursive=recursive)):
        for found in parse_manifests(_read_bytes(name), name):
            if isinstance(found, Manifest):
                stream.manifests.append(found)
            else:
                stream.unreadable.append(found)
    return stream


def parse_manifests(data: bytes, file: str) -> Iterator[Manifest | Unreadable]:
    """Yield the objects of a file's bytes, with those of lists one by one, and the places that cannot be read."""
    text = _decode(data, file)
    if isinstance(text, Unreadable):
        yield text
        return
    for line, chunk in _chunks(text):
        yield from _parse_chunk(chunk, file, line)


def read_document(data: bytes, file: str) -> Any:
    """Return the one value of a file: what `--inputs` names.

    Raises:
        Problem: if it cannot be read, or holds no value or several.
    """
    text = _decode(data, file)
    if isinstance(text, Unreadable):
        raise Problem(text.text)
    try:
        values = [
            value for line, chunk in _chunks(text) for _, value in _values(chunk, file, line) if value is not None
        ]
    except YamlProblemError as error:
        raise Problem(Unreadable(file, error.line, error.message).text) from error
    if len(values) != 1:
        raise Problem(f"{file}: found {len(values)} documents, expected one")
    return values[0]


def read_source(name: str) -> bytes:
    """Return the bytes of a file, or of stdin for `-`; raises Problem if it cannot be opened."""
    return _read_bytes(name)


def _files(source: str, *, recursive: bool) -> list[str]:
    path = Path(source)
    if source == STDIN or not path.is_dir():
        return [source]
    walked = os.walk(source) if recursive else [(source, [], [entry.name for entry in path.iterdir()])]
    found = (Path(folder) / name for folder, _, names in walked for name in names)
    return sorted(str(file) for file in found if file.suffix in _SUFFIXES and file.is_file())


def _read_bytes(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Problem(f"cannot read {name!r}: {why}") from error


def _decode(data: bytes, file: str) -> str | Unreadable:
    if data.startswith(_UTF16):
        return Unreadable(file, 0, "found UTF-16, expected UTF-8: save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Unreadable(file, data.count(b"\n", 0, error.start) + 1, "found bytes that are no UTF-8")


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between the separators, each with the number of lines before it."""
    start = line = 0
    for separator in _SEPARATOR.finditer(text):
        yield line, text[start : separator.start()]
        line += text.count("\n", start, separator.end())
        start = separator.end()
    yield line, text[start:]


def _parse_chunk(chunk: str, file: str, line: int) -> Iterator[Manifest | Unreadable]:
    try:
        for at, value in _values(chunk, file, line):
            yield from _objects(value, file, at)
    except YamlProblemError as error:
        yield Unreadable(file, error.line, error.message)


def _values(chunk: str, file: str, line: int) -> Iterator[tuple[int, Any]]:
    """Yield the values of a chunk with their lines; raises YamlProblemError with the line in the whole file."""
    if not chunk.strip():
        return
    try:
        values = list(_json_values(chunk)) if chunk.lstrip().startswith("{") else None
    except ValueError as error:
        if file.endswith(".json"):
            raise _json_problem(error, line) from error
        values = None
    if values is not None:
        yield from ((line + 1, value) for value in values)
        return
    try:
        yield from ((line + document.line, document.value) for document in read_yaml(chunk))
    except YamlProblemError as error:
        raise YamlProblemError(line + error.line, error.message) from error


def _objects(value: Any, file: str, line: int) -> Iterator[Manifest | Unreadable]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Unreadable(file, line, "found no object, expected one with apiVersion and kind")
        return
    items = value.get("items")
    if _text(value.get("kind")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item, file, line)
    else:
        yield Manifest(file, value)


def _json_values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_json_object, parse_float=_json_float, parse_int=_json_integer, parse_constant=_no_constant
    )
    at = _next_text(text, 0)
    while at < len(text):
        value, at = _decode_json(decoder, text, at)
        _refuse_depth(value)
        yield _without_surrogates(value) if "\\u" in text else value
        at = _next_text(text, at)


def _decode_json(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except RecursionError:
        raise _too_deep() from None


def _next_text(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    keys = [key for key, _ in pairs]
    twice = next(key for key in keys if keys.count(key) > 1)
    raise _JsonProblemError(f"found the key {twice!r} twice in one map")


def _json_float(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise _JsonProblemError(f"found {text[:60]}, which exceeds a float's range")
    return settle_number(number)


def _json_integer(text: str) -> int | float:
    # Far beyond what 64 bits hold; Python refuses to read thousands of digits.
    return _json_float(text) if len(text) > 20 else settle_number(int(text))  # noqa: PLR2004


def _no_constant(text: str) -> NoReturn:
    raise _JsonProblemError(f"found {text}, which JSON has no number for")


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> _JsonProblemError:
    return _JsonProblemError(f"found values nested more than {MAX_DEPTH} levels deep")


def _children(value: Any) -> Sequence[Any]:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in children if isinstance(child, dict | list)]


def _without_surrogates(value: Any) -> Any:
    """Return a value in which half a surrogate pair, which UTF-8 cannot carry, is what Go makes of it."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", key): _without_surrogates(each) for key, each in value.items()}
    return value


def _json_problem(error: ValueError, line: int) -> YamlProblemError:
    if isinstance(error, json.JSONDecodeError):
        return YamlProblemError(line + error.lineno, f"found no JSON: {error.msg}")
    return YamlProblemError(line + 1, str(error))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
