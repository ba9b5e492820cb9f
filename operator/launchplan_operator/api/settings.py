"""Run settings: what a plan or a run may ask for beside its inputs, and what a workflow lets them ask for.

Each setting is taken from the run, else from the plan, else from the operator's defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.model import NAME_PATTERN, PRESERVE, Model, list_map, rule, rules
from launchplan_operator.api.template import RESERVED_ENV_PREFIXES, is_reserved_env

#: What the API server takes as the name of an environment variable that every program can read.
ENV_NAME_PATTERN: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
#: The path of a file below a directory of ours: no slash, no dot at its begin.
FILE_NAME_PATTERN: Final = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
MAX_ENV: Final = 50
MAX_SECRETS: Final = 20
MAX_ALLOWED: Final = 50
#: No program can be given a NUL in its environment.
_NO_NUL: Final = r"^[^\x00]*$"
_NO_BLANKS: Final = r"^[^\x00-\x20\x7f]*$"
_ONE_PLACE: Final = "expected exactly one of env and file"
_PLACES_DIFFER: Final = "expected another env or file for each secret"
_NAMES_DIFFER: Final = "expected each name once"
_NOT_RESERVED: Final = f"names that begin with {' or '.join(RESERVED_ENV_PREFIXES)} are the operator's own"

# Stated twice, here and in the validators: the API server lets what was stored before a rule pass, as long as it stays.
_ENV_RULE = rule(" && ".join(f"!self.startsWith('{prefix}')" for prefix in RESERVED_ENV_PREFIXES), _NOT_RESERVED)
_SECRETS_RULE = rule(
    " && ".join(
        f"self.all(a, !has(a.{place}) || self.exists_one(b, has(b.{place}) && b.{place} == a.{place}))"
        for place in ("env", "file")
    ),
    _PLACES_DIFFER,
)


def _check_env_name(name: str) -> str:
    if is_reserved_env(name):
        raise PydanticCustomError(Reason.ReservedName.value, _NOT_RESERVED)
    return name


EnvName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=ENV_NAME_PATTERN),
    Field(json_schema_extra=rules(_ENV_RULE)),
    AfterValidator(_check_env_name),
]
SecretKey = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern="^[-._a-zA-Z0-9]+$")]
AccountName = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=NAME_PATTERN)]
#: A name, or a pattern in which * stands for any text.
Glob = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Globs = Annotated[tuple[Glob, ...], Field(max_length=MAX_ALLOWED)]


class EnvVar(Model):
    """One environment variable of every container."""

    name: EnvName = Field(description="The variable's name.")
    value: Annotated[str, StringConstraints(max_length=4096, pattern=_NO_NUL)] = Field(
        default="", description="Its value, taken as it is but for Kubernetes' own $(NAME)."
    )


class SecretUse(Model):
    """One key of a Secret of the run's namespace, handed to every container."""

    model_config = ConfigDict(json_schema_extra=rules(rule("has(self.env) != has(self.file)", _ONE_PLACE)))

    name: AccountName = Field(description="The Secret's name.")
    key: SecretKey = Field(description="The key in it.")
    env: EnvName | None = Field(default=None, description="The environment variable that gets its value.")
    file: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=FILE_NAME_PATTERN)] | None = Field(
        default=None, description="The file below /etc/launchplan-secrets that gets its value."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise PydanticCustomError(Reason.InvalidSpec.value, _ONE_PLACE)
        return self


def _check_places(secrets: tuple[SecretUse, ...]) -> tuple[SecretUse, ...]:
    places = [(use.env, use.file) for use in secrets]
    if len(set(places)) < len(places):
        raise PydanticCustomError(Reason.InvalidSpec.value, _PLACES_DIFFER)
    return secrets


class Identity(Model):
    """Who the run is, and which secrets it may read."""

    service_account_name: AccountName | None = Field(
        default=None, description="The ServiceAccount of its pods; cloud roles hang on it."
    )
    secrets: Annotated[
        tuple[SecretUse, ...],
        Field(max_length=MAX_SECRETS, json_schema_extra=rules(_SECRETS_RULE)),
        AfterValidator(_check_places),
    ] = Field(default=(), description="Secrets that its containers get.")


class RawOutputDataConfig(Model):
    """Where a run puts outputs that are larger than a termination message."""

    output_location_prefix: Annotated[str, StringConstraints(max_length=1024, pattern=_NO_BLANKS)] = Field(
        default="", description="A URI; the run gets <prefix>/<namespace>/<execution> as LAUNCHPLAN_RAW_OUTPUT_PREFIX."
    )


class Allow(Model):
    """What plans and runs may ask of the workflow: lists of names, in which * stands for any text. Empty: nothing."""

    service_accounts: Globs = Field(default=(), description="ServiceAccounts that identity may name.")
    secrets: Globs = Field(default=(), description="Secrets that identity may name.")
    env: Globs = Field(default=(), description="Environment variables that env and identity may set.")
    pod_labels: Globs = Field(default=(), description="Keys of labels that reach the pod, beside the Job.")
    pod_annotations: Globs = Field(default=(), description="Keys of annotations that reach the pod, beside the Job.")


class Interruptible(Model):
    """What an interruptible run's pod gets, so that it lands on nodes that may go away."""

    node_selector: Annotated[
        dict[str, Annotated[str, StringConstraints(max_length=63)]], Field(max_length=MAX_ALLOWED)
    ] = Field(default={}, description="Labels that the node must have.")
    tolerations: Annotated[
        tuple[Annotated[dict[str, Any], Field(json_schema_extra={PRESERVE: True})], ...], Field(max_length=MAX_ALLOWED)
    ] = Field(default=(), description="Tolerations, as in a pod.")


def _check_names(env: tuple[EnvVar, ...]) -> tuple[EnvVar, ...]:
    if len({var.name for var in env}) < len(env):
        raise PydanticCustomError(Reason.InvalidSpec.value, _NAMES_DIFFER)
    return env


Environment = Annotated[
    tuple[EnvVar, ...],
    Field(max_length=MAX_ENV, json_schema_extra=list_map("name")),
    AfterValidator(_check_names),
]
MaxParallelism = Annotated[int, Field(ge=0, le=10_000)]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What one run gets: resolved over all levels, and as far as its workflow allows.

    Attributes:
        labels: for the Job.
        annotations: for the Job.
        pod_labels: those of the labels that reach the pod.
        pod_annotations: those of the annotations that reach the pod.
        env: environment variables of every container.
        service_account: the pod's ServiceAccount, or None for the template's own.
        secrets: Secrets' keys for every container; one with an env name beats an entry of `env` of that name.
        interruptible: whether the workflow's placement for interruptible runs applies.
        max_parallelism: how many pods may run at once, 1 at least, or None for the template's own.
        output_prefix: a URI without a slash at its end, or None.
        timeout: whole seconds, or None for the template's own.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    env: Sequence[EnvVar] = ()
    service_account: str | None = None
    secrets: Sequence[SecretUse] = ()
    interruptible: bool = False
    max_parallelism: int | None = None
    output_prefix: str | None = None
    timeout: int | None = None
