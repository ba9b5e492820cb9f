"""Whose references a plan lets see and start it."""

from collections.abc import Collection, Mapping

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.consent import LabelExpression, NamespaceSelector, ReferenceConsent
from launchplan_operator.api.mending import set_field

_FIELD = "spec.allowReferencesFrom"


def allows(consent: ReferenceConsent, own: str, asking: str, labels: Mapping[str, str] | None) -> bool:
    """Tell whether a plan allows references from a namespace.

    Args:
        consent: what the plan says.
        own: the plan's namespace.
        asking: the reference's.
        labels: the labels of the reference's namespace; None where they cannot be seen.
    """
    if asking == own or consent.scope == "All":
        return True
    if consent.scope == "Names":
        return asking in (consent.names or ())
    if consent.scope == "Selector" and consent.selector is not None and labels is not None:
        return selects(consent.selector, labels)
    return False


def selects(selector: NamespaceSelector, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector selects what has these labels, as Kubernetes does."""
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return equal and all(_holds(expression, labels) for expression in selector.match_expressions)


def check_consent(consent: ReferenceConsent, served: Collection[str]) -> tuple[Finding, ...]:
    """Return what is wrong with a plan's consent where an operator serves these namespaces only; none means all."""
    if consent.scope != "Selector" or not served:
        return ()
    message = "found a selector, but this operator serves some namespaces only and sees the labels of none"
    hint = "name the namespaces instead"
    fix = set_field({"from": "Names", "names": sorted(served), "selector": None}, *_FIELD.split("."))
    return (Finding(Reason.SelectorNeedsClusterMode, message, f"{_FIELD}.selector", hint, fix=fix),)


def _holds(expression: LabelExpression, labels: Mapping[str, str]) -> bool:
    found = labels.get(expression.key)
    match expression.operator:
        case "In":
            return found in expression.values
        case "NotIn":
            return found not in expression.values
        case "Exists":
            return found is not None
        case _:
            return found is None
