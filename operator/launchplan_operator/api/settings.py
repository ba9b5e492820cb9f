"""Run settings: what a plan or a run may ask for beside its inputs, and what a workflow lets them ask for.

Each setting is taken from the run, else from the plan, else from the operator's defaults.
"""

from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import ConfigDict

from launchplan_operator.api.model import (
    NAME_PATTERN,
    Model,
    list_map,
    rule,
    rules,
)

#: What the API server takes as the name of an environment variable that every program can read.
ENV_NAME_PATTERN: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
#: The path of a file below a directory of ours: no slash, no dot at its begin.
FILE_NAME_PATTERN: Final = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
MAX_ENV: Final = 50
MAX_SECRETS: Final = 20
MAX_ALLOWED: Final = 50
_ONE_PLACE: Final = "expected exactly one of env and file"

EnvName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=ENV_NAME_PATTERN)]
SecretKey = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern="^[-._a-zA-Z0-9]+$")]
AccountName = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=NAME_PATTERN)]
#: A name, or a pattern in which * stands for any text.
Glob = Annotated[str, StringConstraints(min_length=1, max_length=253)]
#: As in a pod, unread: the API server checks it with the Job.
Toleration = Annotated[dict[str, Any], Field(max_length=MAX_ALLOWED)]
Globs = Annotated[tuple[Glob, ...], Field(max_length=MAX_ALLOWED)]


class EnvVar(Model):
    """One environment variable of every container."""

    name: EnvName = Field(description="The variable's name.")
    value: Annotated[str, StringConstraints(max_length=4096)] = Field(
        description="Its value, taken as it is but for Kubernetes' own $(NAME)."
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
            raise ValueError(_ONE_PLACE)
        return self


class Identity(Model):
    """Who the run is, and which secrets it may read."""

    service_account_name: AccountName | None = Field(
        default=None, description="The ServiceAccount of its pods; cloud roles hang on it."
    )
    secrets: Annotated[tuple[SecretUse, ...], Field(max_length=MAX_SECRETS)] = Field(
        default=(), description="Secrets that its containers get."
    )


class RawOutputDataConfig(Model):
    """Where a run puts outputs that are larger than a termination message."""

    output_location_prefix: Annotated[str, StringConstraints(max_length=1024)] = Field(
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
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=MAX_ALLOWED)] = Field(
        default=(), description="Tolerations, as in a pod."
    )


Environment = Annotated[tuple[EnvVar, ...], Field(max_length=MAX_ENV, json_schema_extra=list_map("name"))]
MaxParallelism = Annotated[int, Field(ge=0, le=10_000)]
