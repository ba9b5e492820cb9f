"""Who asks: the Authorization header and the TLS settings that a kubeconfig's user stands for."""

import asyncio
import base64
import json
import os
import ssl
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from launchplan_operator.cli.kubeconfig import Access
from launchplan_operator.cli.problems import Problem

_SHOWN: Final = 300
#: What a login program may be told of the cluster.
_CLUSTER_INFO: Final = ("tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")


class Login:
    """The credentials of one user; those that a program makes are made when first needed, and again after a refusal."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._made: Mapping[str, Any] | None = None

    async def authorization(self) -> str | None:
        """Return the Authorization header, if the user has one."""
        user = self._access.user
        token = (await self._credential()).get("token") or _token(user)
        if token:
            return f"Bearer {token}"
        if user.get("username"):
            login = f"{user['username']}:{user.get('password') or ''}"
            return f"Basic {base64.b64encode(login.encode()).decode()}"
        return None

    async def tls(self) -> ssl.SSLContext | None:
        """Return what TLS is done with, or None for a server without."""
        if not self._access.server.startswith("https"):
            return None
        cluster, made = self._access.cluster, await self._credential()
        context = _trusting(cluster)
        # A self-made certificate authority often lacks extensions that Python's strict mode wants.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        _show_certificate(context, self._access.user, made)
        return context

    def forget(self) -> bool:
        """Let a refused credential be made anew; whether there is a program that makes another."""
        self._made = None
        return bool(self._access.user.get("exec") or self._access.user.get("tokenFile"))

    async def _credential(self) -> Mapping[str, Any]:
        """Return what the user's program made: a token, or a certificate and its key."""
        if self._access.user.get("exec") and self._made is None:
            self._made = await _execute(self._access)
        return self._made or {}


def _token(user: Mapping[str, Any]) -> str:
    if user.get("tokenFile"):
        try:
            return Path(user["tokenFile"]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Problem(f"cannot read the token file {user['tokenFile']}: {error.strerror}") from None
    provider = (user.get("auth-provider") or {}).get("config") or {}
    return str(user.get("token") or provider.get("id-token") or "")


def _trusting(cluster: Mapping[str, Any]) -> ssl.SSLContext:
    data, file = cluster.get("certificate-authority-data"), cluster.get("certificate-authority")
    try:
        if data:
            return ssl.create_default_context(cadata=base64.b64decode(data).decode())
        return ssl.create_default_context(cafile=file)
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read the kubeconfig's certificate authority: {_words(error)}") from None


def _show_certificate(context: ssl.SSLContext, user: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    certificate = _pem(made.get("clientCertificateData"), user, "client-certificate")
    key = _pem(made.get("clientKeyData"), user, "client-key")
    if certificate is None or key is None:
        return
    # OpenSSL reads them from a file alone; this one is the user's only and gone at once.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (OSError, ValueError) as error:
            raise Problem(f"cannot use the kubeconfig's client certificate: {_words(error)}") from None


def _pem(made: str | None, user: Mapping[str, Any], field: str) -> bytes | None:
    if made:
        return made.encode()
    try:
        if user.get(f"{field}-data"):
            return base64.b64decode(user[f"{field}-data"])
        return Path(user[field]).read_bytes() if user.get(field) else None
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read the kubeconfig's {field}: {_words(error)}") from None


async def _execute(access: Access) -> Mapping[str, Any]:
    """Run a kubeconfig's `exec` program, as client-go does, and return the status of the ExecCredential it writes."""
    plan = access.user["exec"]
    command = str(plan.get("command") or "")
    program = str(access.directory / command) if "/" in command else command
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *map(str, plan.get("args") or ()),
            env=os.environ | _environment(plan, access),
            stdout=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Problem(
            f"cannot run the kubeconfig's login program {command!r}: {error.strerror}",
            hint=" ".join(str(plan.get("installHint") or "").split())[:_SHOWN],
        ) from None
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode:
        raise Problem(f"the kubeconfig's login program {command!r} ended with exit code {process.returncode}")
    return _status(command, output)


def _environment(plan: Mapping[str, Any], access: Access) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": plan.get("interactiveMode") != "Never" and sys.stdin.isatty()}
    if plan.get("provideClusterInfo"):
        told_of = {key: access.cluster[key] for key in _CLUSTER_INFO if key in access.cluster}
        spec["cluster"] = told_of | {"server": access.server}
    told = {"apiVersion": plan.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
    own = {str(each["name"]): str(each["value"]) for each in plan.get("env") or ()}
    return own | {"KUBERNETES_EXEC_INFO": json.dumps(told)}


def _status(command: str, output: bytes) -> Mapping[str, Any]:
    try:
        status = json.loads(output)["status"]
    except (ValueError, KeyError, TypeError):
        status = None
    if not isinstance(status, dict):
        raise Problem(f"the kubeconfig's login program {command!r} wrote no ExecCredential")
    return status


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
