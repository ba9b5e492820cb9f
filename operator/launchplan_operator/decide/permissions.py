"""What a workflow lets plans and runs ask for: its `allow`, as it stands now and not as it stood in some version.

Whoever may write a plan may thereby neither become another ServiceAccount, nor read a Secret, nor change what the author's
program is told, unless the workflow's author allows it. What a plan or a run asks for beyond that is a finding. Labels,
annotations and the operator's own defaults are no request: as much of them as is allowed reaches the pod, silently.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, remove_item, set_field
from launchplan_operator.api.settings import Allow, EnvVar, Identity, RunSettings, SecretUse
from launchplan_operator.api.template import is_own_key
from launchplan_operator.decide.inputs import listed
from launchplan_operator.decide.settings import Level, ResolvedSettings

_KUBERNETES_DOMAINS: Final = ("kubernetes.io", "k8s.io")
#: Labels without a domain that the Job controller sets on its pods.
_KUBERNETES_KEYS: Final = frozenset({"controller-uid", "job-name"})
_NOTHING: Final = Allow()


class Grant(StrEnum):
    """A list of `allow` that something asked for must be in, with what its names are names of."""

    ServiceAccounts = "serviceAccounts"
    Secrets = "secrets"
    Env = "env"

    @property
    def noun(self) -> str:
        """What the list's names are names of."""
        return {"serviceAccounts": "ServiceAccount", "secrets": "Secret", "env": "environment variable"}[self]

    def globs(self, allow: Allow) -> Sequence[str]:
        """Return the list as a workflow has it."""
        return {"serviceAccounts": allow.service_accounts, "secrets": allow.secrets, "env": allow.env}[self]

    def allows(self, allow: Allow, name: str) -> bool:
        """Tell whether a name is in the list."""
        return matches_any(self.globs(allow), name)


@dataclass(frozen=True, slots=True)
class Ask:
    """One name that somebody asks for.

    Attributes:
        path: where it stands.
        whose: whose word it is if not that of the object that the path is of, such as `the plan's`.
        fix: the change of that object which asks for it no more.
    """

    grant: Grant
    name: str
    path: str
    whose: str = "the"
    fix: Fix | None = field(default=None, compare=False)


def matches_any(globs: Iterable[str], name: str) -> bool:
    """Tell whether a name is one of the globs, in which `*` is any text, none included, and all else is itself."""
    return any(_matches(glob, name) for glob in globs)


def asked_settings(env: Sequence[EnvVar], identity: Identity | None) -> Iterator[Ask]:
    """Yield all that a plan or a run asks of its workflow, with paths in its own spec."""
    for place, var in enumerate(env):
        yield Ask(Grant.Env, var.name, f"spec.env[{var.name}]", fix=remove_item(f"spec.env[{place}]"))
    if identity is None:
        return
    if identity.service_account_name is not None:
        path = "spec.identity.serviceAccountName"
        yield Ask(Grant.ServiceAccounts, identity.service_account_name, path, fix=set_field(None, *path.split(".")))
    for place, use in enumerate(identity.secrets):
        path = f"spec.identity.secrets[{place}]"
        yield Ask(Grant.Secrets, use.name, f"{path}.name", fix=remove_item(path))
        if use.env is not None:
            yield Ask(Grant.Env, use.env, f"{path}.env", fix=remove_item(path))


def check_permissions(asked: Iterable[Ask], allow: Allow | None, workflow: str) -> Iterator[Finding]:
    """Yield a finding for each name asked for that the workflow of that name does not allow; gone, it allows nothing."""
    for ask in asked:
        if not ask.grant.allows(allow or _NOTHING, ask.name):
            yield _not_permitted(ask, allow, workflow)


def permit_settings(
    resolved: ResolvedSettings, allow: Allow | None, workflow: str
) -> RunSettings | tuple[Finding, ...]:
    """Return what a run gets, or a finding for each thing that it or its plan asks for and must not have."""
    findings = tuple(check_permissions(_asked_of(resolved), allow, workflow))
    return findings or _limited(resolved, allow or _NOTHING)


def pod_metadata(asked: Mapping[str, str], globs: Sequence[str]) -> dict[str, str]:
    """Return those labels or annotations that reach the pod: what the globs allow, and never Kubernetes' keys or ours."""
    return {key: value for key, value in asked.items() if matches_any(globs, key) and not _is_kept(key)}


def _asked_of(resolved: ResolvedSettings) -> Iterator[Ask]:
    """What others than the operator ask for; paths are those of a run."""
    env, identity = resolved.env, resolved.identity
    for level, asked in (
        (env.level, asked_settings(env.value, None)),
        (identity.level, asked_settings((), identity.value)),
    ):
        for ask in asked if level is not Level.Operator else ():
            yield ask if level is Level.Run else Ask(ask.grant, ask.name, "spec.launchPlanRef", "the plan's")


def _limited(resolved: ResolvedSettings, allow: Allow) -> RunSettings:
    identity = resolved.identity.value
    account = identity.service_account_name
    return RunSettings(
        labels=resolved.labels,
        annotations=resolved.annotations,
        pod_labels=pod_metadata(resolved.labels, allow.pod_labels),
        pod_annotations=pod_metadata(resolved.annotations, allow.pod_annotations),
        env=tuple(var for var in resolved.env.value if Grant.Env.allows(allow, var.name)),
        service_account=account if account and Grant.ServiceAccounts.allows(allow, account) else None,
        secrets=tuple(use for use in identity.secrets if _is_allowed(use, allow)),
        interruptible=bool(resolved.interruptible),
        max_parallelism=resolved.max_parallelism,
        output_prefix=resolved.output_prefix,
        timeout=resolved.timeout,
    )


def _is_allowed(use: SecretUse, allow: Allow) -> bool:
    return Grant.Secrets.allows(allow, use.name) and (use.env is None or Grant.Env.allows(allow, use.env))


def _is_kept(key: str) -> bool:
    domain, _, _ = key.rpartition("/")
    theirs = any(domain == each or domain.endswith(f".{each}") for each in _KUBERNETES_DOMAINS)
    return theirs or key in _KUBERNETES_KEYS or is_own_key(key)


def _not_permitted(ask: Ask, allow: Allow | None, workflow: str) -> Finding:
    found = f"found {ask.whose} {ask.grant.noun} {ask.name!r}"
    allowing = f"spec.allow.{ask.grant}"
    if allow is None:
        message = f"{found}, but the WorkflowDefinition {workflow!r}, which would have to allow it, is gone"
        hint = f"apply the WorkflowDefinition with {allowing}, or ask for nothing"
        return Finding(Reason.NotPermitted, message, ask.path, hint, fix=ask.fix)
    message = f"{found}, expected what {allowing} of the WorkflowDefinition {workflow!r} allows: {listed(ask.grant.globs(allow))}"
    hint = f"whoever may edit that WorkflowDefinition can allow it: kubectl edit wfd {workflow}"
    return Finding(Reason.NotPermitted, message, ask.path, hint, fix=ask.fix)


def _matches(glob: str, name: str) -> bool:
    # Part by part from the left, which no pattern can make slow, as a regular expression's backtracking would be.
    head, *parts = glob.split("*")
    if not parts:
        return name == head
    *middle, tail = parts
    if len(name) < len(head) + len(tail) or not name.startswith(head) or not name.endswith(tail):
        return False
    rest = name[len(head) : len(name) - len(tail)]
    for part in middle:
        place = rest.find(part)
        if place < 0:
            return False
        rest = rest[place + len(part) :]
    return True
