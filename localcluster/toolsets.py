"""The programs that are built from pinned Go modules: one small go.mod a set."""

import hashlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcluster.places import SOURCE

_KUBERNETES = "k8s.io/kubernetes/cmd"
_CONTAINERD = "github.com/containerd/containerd/v2"
_HELM = "helm.sh/helm/v4"


@dataclass(frozen=True, slots=True)
class ToolSet:
    """Programs built together from one Go module.

    Attributes:
        name: what `localcluster build` calls it.
        directory: where its go.mod lies.
        programs: program name → Go package.
        tags: Go build tags.
        stamped: the module whose version, as go.mod pins it, is written into the programs.
        variables: Go variable → text, `{version}` standing for that version; set at link time.
    """

    name: str
    directory: Path
    programs: Mapping[str, str]
    tags: tuple[str, ...] = ()
    stamped: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def go_mod(self) -> str:
        """The text of go.mod."""
        return (self.directory / "go.mod").read_text()

    @property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that go.mod accepts."""
        return go_version_of(self.go_mod)

    @property
    def version(self) -> str:
        """The stamped module's version, such as `v1.37.2`; empty if nothing is stamped."""
        found = re.search(rf"^\s*{re.escape(self.stamped)} (v\S+)", self.go_mod, re.MULTILINE)
        return found.group(1) if self.stamped and found else ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `go build`."""
        major, minor, *_ = (*self.version.removeprefix("v").split("."), "", "")
        values = {"version": self.version, "major": major, "minor": minor}
        link = ["-s", "-w", *(f"-X {name}={text.format(**values)}" for name, text in self.variables.items())]
        tags = ("-tags", " ".join(self.tags)) if self.tags else ()
        return ("-trimpath", "-buildvcs=false", *tags, "-ldflags", " ".join(link))

    @property
    def fingerprint(self) -> str:
        """Ten hexadecimal digits that change with sources, pins, flags and platform."""
        digest = hashlib.sha256(repr((self.flags, platform.system(), platform.machine())).encode())
        digest.update(repr(sorted(self.programs.items())).encode())
        for path in sorted([*self.directory.glob("*.go"), self.directory / "go.mod", self.directory / "go.sum"]):
            digest.update(path.read_bytes() if path.exists() else b"")
        return digest.hexdigest()[:10]


def go_version_of(go_mod: str) -> tuple[int, ...]:
    """The version in the `go` line of a go.mod, such as `(1, 26, 0)`."""
    found = re.search(r"^go ([\d.]+)", go_mod, re.MULTILINE)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


KUBERNETES = ToolSet(
    name="kubernetes",
    directory=SOURCE / "kubernetes",
    programs={
        "kube-apiserver": f"{_KUBERNETES}/kube-apiserver",
        "kube-controller-manager": f"{_KUBERNETES}/kube-controller-manager",
        "kube-scheduler": f"{_KUBERNETES}/kube-scheduler",
        "kubectl": f"{_KUBERNETES}/kubectl",
        "kubelet": f"{_KUBERNETES}/kubelet",
        "etcd": "go.etcd.io/etcd/server/v3",
    },
    stamped="k8s.io/kubernetes",
    variables={
        "k8s.io/component-base/version.gitVersion": "{version}",
        "k8s.io/component-base/version.gitMajor": "{major}",
        "k8s.io/component-base/version.gitMinor": "{minor}",
    },
)
CONTAINERD = ToolSet(
    name="containerd",
    directory=SOURCE / "containerd",
    programs={name: f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
    tags=("no_btrfs", "no_devmapper", "no_zfs"),
    stamped=_CONTAINERD,
    variables={f"{_CONTAINERD}/version.Version": "{version}"},
)
HELM = ToolSet(
    name="helm",
    directory=SOURCE / "helm",
    programs={"helm": f"{_HELM}/cmd/helm"},
    stamped=_HELM,
    variables={f"{_HELM}/internal/version.version": "{version}"},
)
CRONPARSER = ToolSet(name="cronparser", directory=SOURCE / "cronparser", programs={"cronparser": "."})
KSTATUS = ToolSet(name="kstatus", directory=SOURCE / "kstatus", programs={"kstatus": "."})
ARGOLUA = ToolSet(name="argolua", directory=SOURCE / "argolua", programs={"argolua": "."})

TOOL_SETS = {each.name: each for each in (KUBERNETES, CONTAINERD, HELM, CRONPARSER, KSTATUS, ARGOLUA)}
