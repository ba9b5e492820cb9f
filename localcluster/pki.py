"""The certificates and tokens of one cluster, made by openssl."""

import secrets
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from localcluster.places import LocalClusterError

_CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = localcluster
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[client]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
_DAYS = "3650"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whom the API server knows by a token."""

    name: str
    groups: tuple[str, ...] = ()


ADMIN = User("admin", ("system:masters",))
STUB = User("localcluster:stub", ("system:masters",))
CONTROLLER_MANAGER = User("system:kube-controller-manager")
SCHEDULER = User("system:kube-scheduler")
STRANGER = User("stranger")  # for trying out what somebody without any role gets

NODE_NAME = "node"
KUBELET = User(f"system:node:{NODE_NAME}", ("system:nodes",))

USERS = (ADMIN, STUB, CONTROLLER_MANAGER, SCHEDULER, STRANGER, KUBELET)


@dataclass(frozen=True, slots=True)
class Pki:
    """The directory that holds a cluster's certificates, keys and tokens."""

    directory: Path

    def path(self, name: str) -> Path:
        """Where the file `name` lies, such as `ca.crt`, `server.key`, `tokens.csv`."""
        return self.directory / name

    def token(self, user: User) -> str:
        """The token of a user."""
        return self.path(f"{user.name.replace(':', '-')}.token").read_text()

    def create(self, addresses: Iterable[str]) -> None:
        """Make everything; `addresses` are the IPs that the API server is reached at.

        Raises:
            LocalClusterError: openssl is missing or failed.
        """
        self.directory.mkdir(mode=0o700)
        names = ["DNS:localhost", "DNS:kubernetes.default.svc", *(f"IP:{each}" for each in addresses)]
        self.path("openssl.cnf").write_text(_CONFIG.format(names=",".join(names)))
        self._authority()
        self._leaf("server", "/CN=kube-apiserver")
        self._leaf("client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        self._key("service-account.key")
        self._openssl("pkey", "-in", "service-account.key", "-pubout", "-out", "service-account.pub")
        self._tokens()

    def _authority(self) -> None:
        self._key("ca.key")
        common = ("-config", "openssl.cnf", "-subj", "/CN=localcluster-ca", "-days", _DAYS)
        self._openssl(
            "req", "-x509", "-new", "-sha256", "-key", "ca.key", *common, "-extensions", "authority", "-out", "ca.crt"
        )

    def _leaf(self, name: str, subject: str) -> None:
        self._key(f"{name}.key")
        request = ("-new", "-sha256", "-key", f"{name}.key", "-config", "openssl.cnf", "-subj", subject)
        self._openssl("req", *request, "-out", f"{name}.csr")
        signer = ("-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", str(secrets.randbits(63)), "-days", _DAYS)
        extensions = ("-sha256", "-extfile", "openssl.cnf", "-extensions", name)
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signer, *extensions, "-out", f"{name}.crt")

    def _key(self, name: str) -> None:
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name)

    def _tokens(self) -> None:
        lines = []
        for user in USERS:
            token = secrets.token_hex(16)
            self.path(f"{user.name.replace(':', '-')}.token").write_text(token)
            groups = f',"{",".join(user.groups)}"' if user.groups else ""
            lines.append(f"{token},{user.name},{user.name}{groups}\n")
        self.path("tokens.csv").write_text("".join(lines))

    def _openssl(self, *arguments: str) -> None:
        try:
            run = subprocess.run(
                ["openssl", *arguments], cwd=self.directory, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            msg = "openssl is needed to make certificates (Debian: the package openssl)"
            raise LocalClusterError(msg) from None
        if run.returncode:
            msg = f"openssl {arguments[0]} failed:\n{run.stderr}"
            raise LocalClusterError(msg)
