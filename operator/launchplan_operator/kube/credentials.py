"""How an API server is reached and what is shown to it: kubeconfig and service account, read by the official client."""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import kubernetes.aio.config as kubernetes_config
from kubernetes.aio.client import Configuration
from yarl import URL

from launchplan_operator.kube.transport import TransportError

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

#: What reading credentials raises beside OSError.
ConfigException: type[Exception] = kubernetes_config.ConfigException

Load = Callable[[Any], Awaitable[None]]

# The official client leaves its functions untyped.
_load_kube_config: Any = kubernetes_config.load_kube_config
_load_incluster_config: Any = kubernetes_config.load_incluster_config
_new_configuration: Any = Configuration


def pod_namespace(file: Path = _POD_NAMESPACE) -> str:
    """Return the namespace of the pod that this process is in, as Kubernetes mounts it beside the service account."""
    return file.read_text(encoding="utf-8").strip()


class Credentials:
    """Address, TLS and token of one API server.

    Its texts (`repr`, exceptions) show no secret. Tokens that expire are renewed by the official client's own hook,
    and once more by `refresh` after the server refused one.
    """

    def __init__(self, configuration: Any, load: Load) -> None:
        self._configuration = configuration
        self._load = load
        self._lock = asyncio.Lock()

    @classmethod
    async def from_kubeconfig(cls, path: str | None, context: str | None = None) -> "Credentials":
        """Read a kubeconfig file; without a path the one that kubectl would use."""

        async def load(configuration: Any) -> None:
            await _load_kube_config(
                config_file=path, context=context, client_configuration=configuration, persist_config=False
            )

        return await cls._loaded(load)

    @classmethod
    async def from_service_account(cls) -> "Credentials":
        """Read what Kubernetes mounts into every pod."""

        async def load(configuration: Any) -> None:
            _load_incluster_config(client_configuration=configuration)

        return await cls._loaded(load)

    @classmethod
    async def _loaded(cls, load: Load) -> "Credentials":
        configuration = _new_configuration()
        await load(configuration)
        return cls(configuration, load)

    def __repr__(self) -> str:
        return "Credentials(...)"

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end and without whoever logs in by it."""
        address = URL(str(self._configuration.host).rstrip("/"))
        return str(address.with_user(None)).rstrip("/")

    @property
    def proxy(self) -> str | None:
        """The proxy that the kubeconfig names."""
        proxy: str | None = self._configuration.proxy
        return proxy

    @property
    def server_name(self) -> str | None:
        """The name that the server's certificate must have, where it differs from the address."""
        name: str | None = self._configuration.tls_server_name
        return name

    def files(self) -> dict[str, Any]:
        """Return where the certificates are and whether the server's is checked, for a client that opens them itself."""
        settings = self._configuration
        return {
            "ca_path": settings.ssl_ca_cert,
            "ca_data": settings.ca_cert_data,
            "certificate_path": settings.cert_file,
            "private_key_path": settings.key_file,
            "insecure": not settings.verify_ssl,
        }

    def tls(self) -> ssl.SSLContext | bool:
        """Return what TLS is done with."""
        settings = self._configuration
        if not self.url.startswith("https"):
            return True
        context = ssl.create_default_context(cafile=settings.ssl_ca_cert, cadata=settings.ca_cert_data)
        # A self-made certificate authority often lacks extensions that Python's strict mode wants.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, keyfile=settings.key_file)
        if not settings.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def authorization(self) -> str | None:
        """Return the Authorization header, renewed where its time is over."""
        try:
            header: str | None = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except (ConfigException, OSError) as error:
            raise TransportError(f"no credentials: {type(error).__name__}") from None
        return header or self._login_of_address()

    def _login_of_address(self) -> str | None:
        """Return what the address itself logs in with, as `https://user:password@host` does."""
        address = URL(str(self._configuration.host))
        if address.user is None:
            return None
        login = f"{address.user}:{address.password or ''}"
        return f"Basic {base64.b64encode(login.encode()).decode()}"

    async def refresh(self, refused: str | None) -> None:
        """Read the credentials anew, unless somebody did since `refused` was read."""
        async with self._lock:
            if await self.authorization() != refused:
                return
            try:
                await self._load(self._configuration)
            except (ConfigException, OSError) as error:
                raise TransportError(f"no credentials: {type(error).__name__}") from None
