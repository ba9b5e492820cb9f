"""kopf as a frame and no more: its settings, what it shows the server, and how one sees that it watches."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import kopf

from launchplan_operator.kube.credentials import Credentials

#: Told (plural, namespace, heard) of each sign of life of a watch: whether the server told anything, or kopf only asked.
OnSign = Callable[[str, str | None, bool], None]


def kopf_settings() -> kopf.OperatorSettings:
    """Return kopf as a watcher and nothing else: no peering, no scanning, no posting, and few idle tasks."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _Backoffs()
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()
    settings.queueing.worker_limit = 50
    settings.queueing.idle_timeout = 0.01
    return settings


class _Backoffs:
    """Seconds between kopf's attempts of one request; by its own list a minute of 5xx would end the process."""

    def __iter__(self) -> Iterator[float]:
        return chain((1, 1, 2, 3, 5), repeat(8))


class _NoDiffs(kopf.DiffBaseStorage):
    """kopf compares every object with its last state, whether a handler asks or not: copies, half of an event's cost."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """See nothing of an object."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Remember nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class _NoProgress(kopf.ProgressStorage):
    """Our handlers end at once: there is no progress to keep."""

    def fetch(self, **_: Any) -> None:
        """Remember nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """Drop nothing."""

    def touch(self, **_: Any) -> None:
        """Write nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return what there is: nothing of it is ours."""
        return essence


def register_login(registry: kopf.OperatorRegistry, credentials: Credentials) -> None:
    """Let kopf show the server what our own connection shows it."""
    shown: list[str | None] = []

    @kopf.on.login(registry=registry)
    async def login(**_kwargs: Any) -> kopf.ConnectionInfo:
        # Asked once more, the server refused what was shown before.
        if shown:
            await credentials.refresh(shown.pop())
        header = await credentials.authorization()
        shown.append(header)
        scheme, _, token = (header or "").partition(" ")
        return kopf.ConnectionInfo(
            server=credentials.url,
            scheme=scheme if token else None,
            token=token or None,
            proxy_url=credentials.proxy,
            **credentials.files(),
        )


def tell_signs(settings: kopf.OperatorSettings, on_sign: OnSign) -> kopf.OperatorSettings:
    """Return kopf's settings, which from now on tell whenever a watch reads them."""
    watching: Any = _Told(settings.watching, on_sign)
    settings.watching = watching
    return settings


class _Told:
    """kopf's settings for watches. A watch that is quiet gives no other sign: kopf keeps its bookmarks for itself.

    kopf reads `server_timeout` when it opens a watch, and `inactivity_timeout` once then and once after each line.
    """

    def __init__(self, settings: Any, on_sign: OnSign) -> None:
        self._settings = settings
        self._on_sign = on_sign
        self._opening: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        task = asyncio.current_task()
        watcher = task.get_name() if task is not None else ""
        if watcher.startswith(_WATCHER):
            self._on_sign(*_followed(watcher), self._is_line(name, watcher))
        return getattr(self._settings, name)

    def _is_line(self, name: str, watcher: str) -> bool:
        if name == "server_timeout":
            self._opening.add(watcher)
        if name != "inactivity_timeout":
            return False
        is_line = watcher not in self._opening
        self._opening.discard(watcher)
        return is_line


#: kopf's name for the task of one watch: this, `PLURAL.VERSION.GROUP@NAMESPACE`, where the namespace may be `None`.
_WATCHER = "watcher for "


def _followed(watcher: str) -> tuple[str, str | None]:
    resource, _, namespace = watcher.removeprefix(_WATCHER).rpartition("@")
    return resource.partition(".")[0], None if namespace == "None" else namespace
