"""What all our models share: the base class, and field types with the bounds that the CRDs state."""

from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from launchplan_operator.api.conditions import UNOBSERVED

#: A DNS subdomain in lower case, as the API server demands of object names.
NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
LABEL_VALUE_PATTERN: Final = r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$"
#: A DNS label, as the API server demands of namespaces.
NAMESPACE_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
#: A Go duration without sign.
DURATION_PATTERN: Final = r"^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|ms|s|m|h))+$"
SIGNED_DURATION_PATTERN: Final = r"^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|ms|s|m|h))+$"
INPUT_NAME_PATTERN: Final = r"^[A-Za-z]([A-Za-z0-9_]{0,61}[A-Za-z0-9])?$"

#: What the API server takes of any object.
MAX_NAME: Final = 253
#: Plans and workflows: a CronJob appends `-` and up to ten digits to make the names of its Jobs, 63 characters at most.
MAX_PLAN_NAME: Final = 52
#: Executions share their names with Jobs, whose names become the value of a label.
MAX_EXECUTION_NAME: Final = 63
#: Versions are values of labels.
MAX_VERSION: Final = 63
MAX_INPUTS: Final = 100
#: Makes a CRD node keep whatever stands in it.
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"


class Model(BaseModel):
    """A frozen piece of a resource: camelCase in JSON, unknown fields ignored as the API server prunes them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


def rule(expression: str, message: str, found: str = "") -> JsonDict:
    """Return one CEL rule of a CRD node; `found` is a CEL text that tells what was found."""
    made: JsonDict = {"rule": expression, "message": message}
    return made | {"messageExpression": found} if found else made


def rules(*each: JsonDict) -> JsonDict:
    """Return what puts CEL rules on a CRD node."""
    return {"x-kubernetes-validations": [*each]}


def list_map(*keys: str) -> JsonDict:
    """Return what makes a list of a CRD a map by some of its items' fields, so that server-side apply merges it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]}


def list_set() -> JsonDict:
    """Return what makes a list of a CRD a set, in which nothing stands twice."""
    return {"x-kubernetes-list-type": "set"}


PlanName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PLAN_NAME, pattern=NAME_PATTERN)]
ObjectName = Annotated[str, StringConstraints(max_length=MAX_NAME)]
Uid = Annotated[str, StringConstraints(max_length=64)]
Version = Annotated[str, StringConstraints(min_length=1, max_length=MAX_VERSION, pattern=LABEL_VALUE_PATTERN)]
#: A whole SHA-256 in hex.
ContentHash = Annotated[str, StringConstraints(min_length=64, max_length=64)]
InputName = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=INPUT_NAME_PATTERN)]
TypeText = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Description = Annotated[str, StringConstraints(max_length=1024)]
Message = Annotated[str, StringConstraints(max_length=32_768)]
ReasonText = Annotated[str, StringConstraints(max_length=64)]
Word = Annotated[str, StringConstraints(max_length=64)]
Text = Annotated[str, StringConstraints(max_length=512)]
Duration = Annotated[str, StringConstraints(min_length=2, max_length=32, pattern=DURATION_PATTERN)]
Timestamp = AwareDatetime
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Generation = Annotated[int, Field(ge=UNOBSERVED, le=2**53 - 1)]
Values = Annotated[dict[str, Any], Field(max_length=MAX_INPUTS)]


class Condition(Model):
    """What is known about one aspect of the object."""

    type: Word = Field(description="What the condition is about.")
    status: Annotated[str, StringConstraints(pattern="^(True|False|Unknown)$", max_length=7)] = Field(
        description="True, False or Unknown."
    )
    reason: ReasonText = Field(description="The cause, in one word.")
    message: Message = Field(description="The cause, in a sentence.")
    observed_generation: Count | None = Field(
        default=None, description="The generation of the spec that this is about."
    )
    last_transition_time: Timestamp = Field(description="When the status last changed.")
