"""Debian's Prometheus, unpacked beside everything else that is cached: nothing is installed on the machine."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcluster.operated import free_port
from localcluster.places import LocalClusterError, cache_root, locked
from localcluster.processes import die_with_parent

_PACKAGE = "prometheus"
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LAST_CHARACTERS = 2000


def find(program: str) -> Path:
    """Return `prometheus` or `promtool`: the machine's own, or Debian's, downloaded once.

    Raises:
        LocalClusterError: neither is to be had.
    """
    if own := shutil.which(program):
        return Path(own)
    root = cache_root() / _PACKAGE
    path = root / "usr" / "bin" / program
    with locked(cache_root() / f"{_PACKAGE}.lock"):
        if not path.exists():
            _unpack(root)
    return path


def _unpack(root: Path) -> None:
    downloads = root.with_name(f"{_PACKAGE}-download")
    downloads.mkdir(parents=True, exist_ok=True)
    if _run(["apt-get", "download", _PACKAGE], downloads) is not None:
        _must(["apt-get", "update"], downloads)
        _must(["apt-get", "download", _PACKAGE], downloads)
    (package,) = downloads.glob(f"{_PACKAGE}_*.deb")
    _must(["dpkg-deb", "--extract", str(package), str(root)], downloads)
    shutil.rmtree(downloads)


def _must(command: list[str], directory: Path) -> None:
    if (trouble := _run(command, directory)) is not None:
        raise LocalClusterError(f"{' '.join(command[:2])} failed:\n{trouble}")


def _run(command: list[str], directory: Path) -> str | None:
    """Run a command; None if it worked, else the end of what it said."""
    if shutil.which(command[0]) is None:
        return f"there is no {command[0]}: install prometheus by hand"
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr)[-_LAST_CHARACTERS:] if run.returncode else None


@dataclass(slots=True)
class Prometheus:
    """A Prometheus that scrapes targets of this machine and evaluates rules, both every second.

    Attributes:
        directory: of its files.
        targets: ports of this machine, by job.
        rules: a file of rules.
    """

    directory: Path
    targets: Mapping[str, int]
    rules: Path
    _port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._port = free_port()
        config = self.directory / "prometheus.yml"
        config.write_text(json.dumps(self._config()))
        command = [
            str(find("prometheus")),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self.directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - the starter has no threads
            )
        self._await_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_READY_SECONDS)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an instant query finds now: `[{metric, value}]`.

        Raises:
            LocalClusterError: Prometheus refuses it.
        """
        found: list[dict[str, Any]] = self._get(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")[
            "result"
        ]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        found: list[dict[str, Any]] = self._get("/api/v1/alerts")["alerts"]
        return found

    def rule_errors(self) -> dict[str, str]:
        """Return the errors of the rules' last evaluations, by rule; a rule that was not evaluated yet is one, too."""
        rules = (rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"])
        return {rule["name"]: rule.get("lastError", rule["health"]) for rule in rules if rule["health"] != "ok"}

    def _config(self) -> dict[str, Any]:
        jobs = [
            {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for job, port in self.targets.items()
        ]
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        return {"global": every, "rule_files": [str(self.rules)], "scrape_configs": jobs}

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise LocalClusterError(f"{path}: {error.read().decode()}") from None

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                text = (self.directory / "prometheus.log").read_text()[-_LAST_CHARACTERS:]
                raise LocalClusterError(f"Prometheus did not become ready:\n{text}")
            time.sleep(_POLL_SECONDS)  # a process that starts cannot be watched

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2):
                return True
        except OSError:
            return False
