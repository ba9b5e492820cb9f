"""LaunchPlan.spec.allowReferencesFrom: whose references may see and start the plan."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import ConfigDict

from launchplan_operator.api.labels import MAX_LABELS, LabelValue
from launchplan_operator.api.model import NAMESPACE_PATTERN, Model, list_set, rule, rules

MAX_NAMESPACES = 100
_MAX_EXPRESSIONS = 16
_MAX_VALUES = 32

NamespaceName = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=NAMESPACE_PATTERN)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]

_NAMES_FOR_NAMES = "expected names with from: Names, and only then"
_SELECTOR_FOR_SELECTOR = "expected selector with from: Selector, and only then"
_VALUES_FOR_IN = "expected values with the operators In and NotIn, and only then"


class LabelExpression(Model):
    """One condition of a label selector, with Kubernetes' meaning."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)", _VALUES_FOR_IN)
        )
    )

    key: LabelKey = Field(description="The label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="In and NotIn compare with the values; Exists and DoesNotExist look for the label alone."
    )
    values: Annotated[tuple[LabelValue, ...], Field(max_length=_MAX_VALUES)] = Field(
        default=(), description="What the label is compared with."
    )

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if (self.operator in {"In", "NotIn"}) != bool(self.values):
            raise ValueError(_VALUES_FOR_IN)
        return self


class NamespaceSelector(Model):
    """A label selector over namespaces; all of its conditions must hold, and an empty one selects every namespace."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=MAX_LABELS)] = Field(
        default={}, description="Labels that the namespace must have with these values."
    )
    match_expressions: Annotated[tuple[LabelExpression, ...], Field(max_length=_MAX_EXPRESSIONS)] = Field(
        default=(), description="Further conditions on its labels."
    )


class ReferenceConsent(Model):
    """The namespaces whose references may see and start the plan; the plan's own is always among them."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("(self.from == 'Names') == has(self.names)", _NAMES_FOR_NAMES),
            rule("(self.from == 'Selector') == has(self.selector)", _SELECTOR_FOR_SELECTOR),
        )
    )

    scope: Literal["Same", "All", "Names", "Selector"] = Field(
        default="Same",
        alias="from",
        description="Same: the plan's namespace alone. All: every one. Names and Selector: those, as given beside.",
    )
    names: (
        Annotated[tuple[NamespaceName, ...], Field(max_length=MAX_NAMESPACES, json_schema_extra=list_set())] | None
    ) = Field(default=None, description="The namespaces, by name.")
    selector: NamespaceSelector | None = Field(
        default=None,
        description="The namespaces, by their labels; only where the operator serves the whole cluster.",
    )

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.scope == "Names") != (self.names is not None):
            raise ValueError(_NAMES_FOR_NAMES)
        if (self.scope == "Selector") != (self.selector is not None):
            raise ValueError(_SELECTOR_FOR_SELECTOR)
        return self
