"""Where the cluster is and who asks: kubeconfig files as kubectl reads them, or what a pod is given.

Read here and not by the official client, whose import alone takes longer than a command may take to start.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from launchplan_operator.cli.problems import Problem

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PARTS: Final = ("clusters", "users", "contexts")
#: The JSON kind of each field that is used here, and of those within `exec`; in another place kubectl reads no file either.
_KINDS: Final[Mapping[str, type]] = {
    **dict.fromkeys(("server", "certificate-authority", "certificate-authority-data", "tls-server-name"), str),
    **dict.fromkeys(("client-certificate", "client-certificate-data", "client-key", "client-key-data"), str),
    **dict.fromkeys(("token", "tokenFile", "username", "password", "proxy-url", "cluster", "user", "namespace"), str),
    **dict.fromkeys(("command", "apiVersion", "installHint", "interactiveMode", "name", "value", "id-token"), str),
    **dict.fromkeys(("exec", "auth-provider", "config"), dict),
    **dict.fromkeys(("args", "env"), list),
    **dict.fromkeys(("insecure-skip-tls-verify", "provideClusterInfo"), bool),
}
_WORDS: Final[Mapping[type, str]] = {str: "a string", dict: "a map", list: "a list", bool: "true or false"}
#: Fields that name files, relative to the kubeconfig that they stand in.
_FILES: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True, slots=True)
class Access:
    """How one API server is reached.

    Attributes:
        server: its address.
        namespace: the one that counts where the user names none.
        cluster: the kubeconfig's `cluster`, file names absolute.
        user: the kubeconfig's `user`, file names absolute; holds secrets.
        directory: where a relative command of the user is looked for.
    """

    server: str
    namespace: str
    cluster: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    directory: Path = Path()


def find_access(kubeconfig: str | None, context: str | None, environment: Mapping[str, str] = os.environ) -> Access:
    """Return how to reach the cluster that kubectl would reach.

    Raises:
        Problem: there is no kubeconfig, one cannot be read, or it does not hold what it names.
    """
    config = _merged(_paths(kubeconfig, environment))
    if not config["contexts"] and context is None and "KUBERNETES_SERVICE_HOST" in environment:
        return _of_pod(environment)
    if not config["contexts"]:
        hint = "set KUBECONFIG, or give --kubeconfig"
        raise Problem("found no kubeconfig, or none with a context in it", hint=hint)
    return _of_context(config, context or config["current-context"])


def context_names(kubeconfig: str | None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of all contexts.

    Raises:
        Problem: as `find_access`.
    """
    return sorted(_merged(_paths(kubeconfig, environment))["contexts"])


def _paths(kubeconfig: str | None, environment: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        if not Path(kubeconfig).is_file():
            raise Problem(f"found no kubeconfig at {kubeconfig}")
        return [Path(kubeconfig)]
    listed = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    paths = [Path(part) for part in listed] or [Path(environment.get("HOME") or Path.home()) / ".kube" / "config"]
    return [path for path in paths if path.exists()]


def _merged(paths: list[Path]) -> dict[str, Any]:
    """Of several files the first counts that holds a name, or a current context."""
    merged: dict[str, Any] = {part: {} for part in _PARTS} | {"current-context": ""}
    for path in paths:
        config = _read(path)
        merged["current-context"] = merged["current-context"] or str(config.get("current-context") or "")
        for part in _PARTS:
            for name, content in _named(config, part, path):
                merged[part].setdefault(name, (_absolute(content, path), path.absolute().parent))
    return merged


def _read(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - a command without a cluster does without

    try:
        config = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Problem(f"cannot read the kubeconfig {path}: {_first_line(error)}") from None
    if config is not None and not isinstance(config, dict):
        raise Problem(f"cannot read the kubeconfig {path}: found no mapping in it")
    return config or {}


def _named(config: Mapping[str, Any], part: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = config.get(part) or ()
    if not isinstance(entries, list | tuple):
        raise _misshapen(path, part, list)
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get(part[:-1]), dict):
            _check_kinds(entry[part[:-1]], path, part[:-1])
            yield str(entry.get("name")), entry[part[:-1]]


def _check_kinds(content: Mapping[str, Any], path: Path, place: str) -> None:
    for key, value in content.items():
        kind = _KINDS.get(key)
        if kind is not None and value is not None and not isinstance(value, kind):
            raise _misshapen(path, f"{place}.{key}", kind)
        if isinstance(value, dict):
            _check_kinds(value, path, f"{place}.{key}")
    for variable in content.get("env") or ():
        if not isinstance(variable, dict) or not {"name", "value"} <= variable.keys():
            raise Problem(f"cannot read the kubeconfig {path}: expected a name and a value in each of {place}.env")
        _check_kinds(variable, path, f"{place}.env")


def _misshapen(path: Path, place: str, kind: type) -> Problem:
    return Problem(f"cannot read the kubeconfig {path}: expected {_WORDS[kind]} at {place}")


def _absolute(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    files = {key: str(path.absolute().parent / content[key]) for key in _FILES if content.get(key)}
    return {**content, **files}


def _of_context(config: Mapping[str, Any], name: str) -> Access:
    if not name:
        raise Problem("the kubeconfig has no current context", hint="kubectl config use-context NAME, or --context")
    context, _ = _find(config, "contexts", name)
    cluster, _ = _find(config, "clusters", str(context.get("cluster")))
    user, directory = _find(config, "users", str(context["user"])) if context.get("user") else ({}, Path())
    server = str(cluster.get("server") or "")
    if not server.startswith(("http://", "https://")):
        raise Problem(f"found the server {server!r} in the context {name!r}, expected an https:// address")
    return Access(server.rstrip("/"), str(context.get("namespace") or "default"), cluster, user, directory)


def _find(config: Mapping[str, Any], part: str, name: str) -> tuple[dict[str, Any], Path]:
    if name in config[part]:
        found: tuple[dict[str, Any], Path] = config[part][name]
        return found
    known = ", ".join(sorted(config[part])) or "none"
    raise Problem(f"found no {part[:-1]} {name!r} in the kubeconfig; it has {known}")


def _of_pod(environment: Mapping[str, str]) -> Access:
    if not (_ACCOUNT / "token").is_file():
        raise Problem("found no kubeconfig, and no ServiceAccount token in this pod", hint="give --kubeconfig")
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    namespace = _ACCOUNT / "namespace"
    return Access(
        server,
        namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else "default",
        {"certificate-authority": str(_ACCOUNT / "ca.crt")},
        {"tokenFile": str(_ACCOUNT / "token")},
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
