"""WorkflowDefinition: what runs. A typed interface and the template of a Kubernetes Job."""

from typing import Annotated, Any

from pydantic import Field

from launchplan_operator.api.model import (
    MAX_INPUTS,
    PRESERVE,
    Condition,
    ContentHash,
    Description,
    Generation,
    InputName,
    Model,
    TypeText,
    Version,
    Word,
    list_map,
)
from launchplan_operator.api.settings import Allow, Interruptible
from launchplan_operator.api.types import TypeProblem, is_optional, parse_type

#: How many of a workflow's versions its status remembers.
MAX_WORKFLOW_VERSIONS = 50


class InputParameter(Model):
    """One input of a workflow."""

    name: InputName = Field(description="The input's name; the container sees it as LP_INPUT_<NAME>.")
    type: TypeText = Field(
        description=(
            "integer float string boolean datetime duration struct binary blob dataset enum[a, b] list[T] map[T] "
            "union[T1, T2] optional[T]."
        )
    )
    default: Any = Field(
        default=None,
        description="The value if nobody gives one; without it, the input is required unless its type takes null.",
    )
    description: Description | None = Field(default=None, description="What the input means.")

    @property
    def required(self) -> bool:
        """Whether a value must come from the plan or the caller; a default of null is a default, and optional needs none."""
        if "default" in self.model_fields_set:
            return False
        declared = parse_type(self.type)
        return isinstance(declared, TypeProblem) or not is_optional(declared)


class OutputParameter(Model):
    """One output of a workflow."""

    name: InputName = Field(description="The key of the JSON object in the container's termination message.")
    type: TypeText = Field(description="As for inputs.")
    description: Description | None = Field(default=None, description="What the output means.")


class Interface(Model):
    """What goes in and what comes out."""

    inputs: Annotated[tuple[InputParameter, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))] = (
        Field(default=(), description="The inputs, in the order in which they are shown.")
    )
    outputs: Annotated[
        tuple[OutputParameter, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))
    ] = Field(default=(), description="The outputs: one JSON object in the container's termination message.")


class WorkflowDefinitionSpec(Model):
    """What runs: a typed interface and a template."""

    version: Version | None = Field(
        default=None, description="The version's name; without it, ten hex digits of a hash over the spec."
    )
    interface: Interface = Field(default=Interface(), description="What goes in and what comes out.")
    # The real schema of a JobSpec would burst the annotation in which kubectl apply keeps the last applied CRD.
    job: dict[str, Any] = Field(
        description="A batch/v1 JobSpec. Its ttlSecondsAfterFinished is ignored: retention is the plan's.",
        json_schema_extra={PRESERVE: True},
    )
    container: Word | None = Field(
        default=None, description="The container whose termination message holds the outputs; by default the first."
    )
    allow: Allow = Field(default=Allow(), description="What plans and runs may ask for; it is no part of the version.")
    interruptible: Interruptible | None = Field(default=None, description="What the pod of an interruptible run gets.")


class KnownVersion(Model):
    """A version that was seen, and the hash of its content."""

    version: Version = Field(description="The version.")
    hash: ContentHash = Field(description="The SHA-256 of its content, in hex.")


class WorkflowDefinitionStatus(Model):
    """What the operator knows about the workflow."""

    observed_generation: Generation | None = Field(
        default=None, description="The generation that the status is about; -1 until the operator has looked."
    )
    version: Version | None = Field(
        default=None, description="The version of this spec: its own word, or ten hex digits of a hash over it."
    )
    versions: Annotated[
        tuple[KnownVersion, ...], Field(max_length=MAX_WORKFLOW_VERSIONS, json_schema_extra=list_map("version"))
    ] = Field(default=(), description="The versions that were seen, newest last: the same one has the same content.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8, json_schema_extra=list_map("type"))] = Field(
        default=(), description="Ready: plans can use the workflow."
    )
