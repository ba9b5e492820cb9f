"""A log of everything that happens to some kinds of objects, as the API server's watches tell it."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from launchplan_operator.api.kinds import Kind
from localcluster.api import Api, ApiUnavailableError, Watch

Object = dict[str, Any]
_PAUSE_SECONDS = 0.2
_KEPT = ("apiVersion", "kind", "metadata", "spec", "status")


@dataclass(frozen=True, slots=True)
class Seen:
    """One change.

    Attributes:
        version: the resourceVersion of the change: one sequence over all kinds.
        deleted: whether the object went with it.
        plural: of the object's kind.
        in_gap: whether the watch was too old, so that a list stands for all changes since the one before.
    """

    version: int
    deleted: bool
    plural: str
    obj: Object
    in_gap: bool = False


class Recorder:
    """Watches kinds from the beginning to the end of a block.

    After a restart the server knows nothing of what came just before: the list that follows tells it all at once.
    """

    def __init__(self, api: Api, kinds: Sequence[Kind], namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._kinds = kinds
        self._log: list[Seen] = []
        # Each kind's by its own thread alone.
        self._held: dict[str, dict[str, Object]] = {kind.plural: {} for kind in kinds}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watches: dict[str, Watch] = {}
        self._begun = {kind.plural: threading.Event() for kind in kinds}
        self._threads = [threading.Thread(target=self._follow, args=(kind,), daemon=True) for kind in kinds]

    def seen(self) -> list[Seen]:
        """Return all changes so far, oldest first; what was there at the beginning comes first."""
        assert all(thread.is_alive() for thread in self._threads), "the recorder broke off"
        with self._lock:
            return sorted(self._log, key=lambda seen: seen.version)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        for begun in self._begun.values():
            assert begun.wait(30), "the recorder could not begin"
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            while thread.is_alive():
                for watch in tuple(self._watches.values()):
                    watch.stop()
                thread.join(0.05)
        self._api.close()

    def _follow(self, kind: Kind) -> None:
        version: str | None = None
        while not self._stopping.is_set():
            with suppress(ApiUnavailableError):
                if version is None:
                    version = self._list(kind)
                    self._begun[kind.plural].set()
                version = self._watch(kind, version)
            if not self._stopping.is_set():
                time.sleep(_PAUSE_SECONDS)  # a server that is away cannot be watched

    def _list(self, kind: Kind) -> str:
        reply = self._api.request("GET", kind.path(self._namespace))
        if not reply.ok:
            raise ApiUnavailableError(str(reply.body))
        version = str(reply.body["metadata"]["resourceVersion"])
        here = {item["metadata"]["name"]: item for item in reply.body["items"]}
        gone = [obj for name, obj in self._held[kind.plural].items() if name not in here]
        for obj in gone:
            self._note(kind, obj, int(version), deleted=True, in_gap=True)
        for obj in here.values():
            known = self._held[kind.plural].get(obj["metadata"]["name"])
            if known is None or known["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                self._note(kind, obj, int(version), in_gap=self._begun[kind.plural].is_set())
        return version

    def _watch(self, kind: Kind, version: str) -> str | None:
        """Follow one watch to its end, and return from where the next one begins; None if only a list can tell."""
        path = f"{kind.path(self._namespace)}?resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=300"
        watch = self._watches[kind.plural] = self._api.watch(path)
        latest = version
        with suppress(ApiUnavailableError):
            for event in watch:
                if event["type"] == "ERROR":
                    return None
                latest = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._note(kind, event["object"], int(latest), deleted=event["type"] == "DELETED")
        return latest

    def _note(self, kind: Kind, obj: Object, version: int, *, deleted: bool = False, in_gap: bool = False) -> None:
        obj = {key: obj[key] for key in _KEPT if key in obj}
        obj["metadata"].pop("managedFields", None)
        if deleted:
            self._held[kind.plural].pop(obj["metadata"]["name"], None)
        else:
            self._held[kind.plural][obj["metadata"]["name"]] = obj
        with self._lock:
            self._log.append(Seen(version, deleted, kind.plural, obj, in_gap))
