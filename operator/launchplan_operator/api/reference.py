"""ReferenceLaunchPlan: a typed pointer to a launch plan that somebody else owns, and what it came to."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.config import ConfigDict

from launchplan_operator.api.consent import NamespaceName
from launchplan_operator.api.model import (
    MAX_INPUTS,
    Condition,
    ContentHash,
    Description,
    Generation,
    InputName,
    Model,
    PlanName,
    Text,
    TypeText,
    Uid,
    Version,
    list_map,
    rule,
    rules,
)

#: Namespaces are DNS labels.
MAX_NAMESPACE = 63
_ONE_PLACE = "expected either namespace, or project and domain, of which <project>-<domain> is the namespace"
_PLACE_LENGTH = "expected project and domain that make a namespace of at most 63 characters"


class PassedInput(Model):
    """An input that runs through the reference may give."""

    name: InputName = Field(description="The input's name, as the plan has it.")
    type: TypeText = Field(description="The type of what is given; the plan must take every value of it.")
    description: Description | None = Field(default=None, description="What the input means.")


class ExpectedOutput(Model):
    """An output that users of the reference rely on."""

    name: InputName = Field(description="The output's name, as the plan has it.")
    type: TypeText = Field(description="The type that is relied on; every value that the plan gives must be of it.")
    description: Description | None = Field(default=None, description="What the output means.")


Inputs = Annotated[tuple[PassedInput, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))]
Outputs = Annotated[tuple[ExpectedOutput, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))]


class ReferenceLaunchPlanSpec(Model):
    """Where the plan is, and the interface that users of the reference rely on."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.namespace) != has(self.project) && has(self.project) == has(self.domain)", _ONE_PLACE),
            rule(
                "!has(self.project) || !has(self.domain) || self.project.size() + self.domain.size() < 63",
                _PLACE_LENGTH,
            ),
        )
    )

    namespace: NamespaceName | None = Field(default=None, description="The plan's namespace.")
    project: NamespaceName | None = Field(
        default=None, description="With domain, instead of namespace: the plan's namespace is <project>-<domain>."
    )
    domain: NamespaceName | None = Field(default=None, description="The other half of project.")
    name: PlanName = Field(description="The name of a LaunchPlan there.")
    version: Version | None = Field(
        default=None, description="One version of it; without it, whichever is active when a run is asked for."
    )
    inputs: Inputs = Field(
        default=(), description="What runs may give: the plan must take it, and must need nothing beyond it."
    )
    outputs: Outputs = Field(default=(), description="What is relied on: the plan must give it, and may give more.")

    @property
    def target_namespace(self) -> str:
        """The namespace of the plan."""
        return self.namespace or f"{self.project}-{self.domain}"

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.namespace is None) != (self.project is not None) or (self.project is None) != (self.domain is None):
            raise ValueError(_ONE_PLACE)
        if len(self.target_namespace) > MAX_NAMESPACE:
            raise ValueError(_PLACE_LENGTH)
        return self


class FoundInput(Model):
    """An input that the plan takes."""

    name: InputName = Field(description="The input's name.")
    type: TypeText = Field(description="Its declared type.")
    required: bool = Field(description="Whether a run must give it.")


class FoundOutput(Model):
    """An output that the plan gives."""

    name: InputName = Field(description="The output's name.")
    type: TypeText = Field(description="Its declared type.")


FoundInputs = Annotated[tuple[FoundInput, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))]
FoundOutputs = Annotated[tuple[FoundOutput, ...], Field(max_length=MAX_INPUTS, json_schema_extra=list_map("name"))]


class ResolvedPlan(Model):
    """The version of the plan that the reference stood for when all was well the last time, and its interface.

    No value of the plan is among it: neither its defaults nor what it fixes.
    """

    namespace: NamespaceName = Field(description="The plan's namespace.")
    name: PlanName = Field(description="The plan's name.")
    uid: Uid = Field(description="The plan's uid.")
    version: Version = Field(description="The plan's version.")
    hash: ContentHash = Field(description="The SHA-256 of the version's content, in hex.")
    inputs: FoundInputs = Field(default=(), description="What the plan takes.")
    fixed: Annotated[tuple[InputName, ...], Field(max_length=MAX_INPUTS)] = Field(
        default=(), description="The inputs that the plan fixes."
    )
    outputs: FoundOutputs = Field(default=(), description="What the plan gives.")


class ReferenceLaunchPlanStatus(Model):
    """What the reference came to."""

    observed_generation: Generation | None = Field(
        default=None, description="The generation that the status is about; -1 until the operator has looked."
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8, json_schema_extra=list_map("type"))] = Field(
        default=(), description="Ready: runs through the reference start. Stalled: not before somebody mends it."
    )
    target: Text | None = Field(default=None, description="The plan that the spec names, as namespace/name.")
    resolved: ResolvedPlan | None = Field(
        default=None, description="What the reference stood for when all was well the last time."
    )
