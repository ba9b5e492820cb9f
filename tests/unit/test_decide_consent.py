"""Whose references a plan allows: by itself, by name, and by labels with Kubernetes' meaning."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.consent import LabelExpression, NamespaceSelector, ReferenceConsent
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.mending import Target, mend_command
from launchplan_operator.decide.consent import allows, check_consent, selects
from tests.unit.mended import patched


def consent(**fields: Any) -> ReferenceConsent:
    """Return what a plan says."""
    return ReferenceConsent.model_validate(fields)


@pytest.mark.parametrize(
    ("said", "asking", "labels", "allowed"),
    [
        pytest.param({}, "b", None, True, id="the own namespace without a word"),
        pytest.param({}, "a", {}, False, id="another one without a word"),
        pytest.param({"from": "Same"}, "a", {}, False, id="another one where it is only the own"),
        pytest.param({"from": "All"}, "a", None, True, id="any, whatever its labels"),
        pytest.param({"from": "Names", "names": ["a", "c"]}, "a", None, True, id="one that is named"),
        pytest.param({"from": "Names", "names": ["aa"]}, "a", None, False, id="one whose name is part of another"),
        pytest.param({"from": "Names", "names": []}, "b", None, True, id="the own one where none is named"),
        pytest.param({"from": "Selector", "selector": {}}, "a", {}, True, id="any by an empty selector"),
        pytest.param({"from": "Selector", "selector": {}}, "a", None, False, id="none whose labels cannot be seen"),
        pytest.param({"from": "Selector", "selector": {"matchLabels": {"x": "y"}}}, "a", {"x": "y"}, True, id="labels"),
        pytest.param({"from": "Selector", "selector": {"matchLabels": {"x": "y"}}}, "a", {}, False, id="no labels"),
        pytest.param({"from": "Selector", "selector": {"matchLabels": {"x": "y"}}}, "b", None, True, id="the own one"),
    ],
)
def test_a_namespace_is_allowed_or_not(
    said: dict[str, Any], asking: str, labels: Mapping[str, str] | None, *, allowed: bool
) -> None:
    """The plan is in the namespace b."""
    assert allows(consent(**said), "b", asking, labels) is allowed


EXPRESSIONS = st.builds(
    lambda key, operator, values: {"key": key, "operator": operator} | ({"values": values} if "In" in operator else {}),
    st.sampled_from("abc"),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=3),
)
LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))


def requirement_holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """As `k8s.io/apimachinery/pkg/labels` has it: NotIn holds where the label is absent, too."""
    key, values = expression["key"], expression.get("values", [])
    if expression["operator"] == "In":
        return key in labels and labels[key] in values
    if expression["operator"] == "NotIn":
        return key not in labels or labels[key] not in values
    return bool((key in labels) == (expression["operator"] == "Exists"))


@given(LABELS, st.lists(EXPRESSIONS, max_size=3), LABELS)
@example({}, [{"key": "a", "operator": "NotIn", "values": ["x"]}], {})
@example({}, [{"key": "a", "operator": "In", "values": [""]}], {})
@example({"a": ""}, [], {})
def test_a_selector_means_what_kubernetes_means(
    equal: dict[str, str], expressions: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    """All of its requirements hold, of which an equality is one with In."""
    selector = NamespaceSelector.model_validate({"matchLabels": equal, "matchExpressions": expressions})
    requirements = [*({"key": k, "operator": "In", "values": [v]} for k, v in equal.items()), *expressions]
    assert selects(selector, labels) == all(requirement_holds(each, labels) for each in requirements)


@given(LABELS, LABELS)
def test_more_conditions_select_no_more(equal: dict[str, str], labels: dict[str, str]) -> None:
    """Each condition only narrows."""
    narrow = NamespaceSelector(match_labels=equal, match_expressions=(LabelExpression(key="a", operator="Exists"),))
    assert selects(NamespaceSelector(match_labels=equal), labels) or not selects(narrow, labels)


@pytest.mark.parametrize("said", [{}, {"from": "All"}, {"from": "Names", "names": ["a"]}])
@pytest.mark.parametrize("served", [(), ("a", "b")])
def test_what_needs_no_labels_is_fine_everywhere(said: dict[str, Any], served: tuple[str, ...]) -> None:
    """Also where the operator serves some namespaces only."""
    assert check_consent(consent(**said), served) == ()


def test_a_selector_is_fine_where_the_whole_cluster_is_served() -> None:
    """Then the labels of every namespace are seen."""
    assert check_consent(consent(**{"from": "Selector", "selector": {}}), ()) == ()


def test_a_selector_needs_the_whole_cluster_and_names_mend_it() -> None:
    """The command names the namespaces that are served, and leaves nothing of the selector."""
    said = {"from": "Selector", "selector": {"matchLabels": {"x": "y"}}}
    (finding,) = check_consent(consent(**said), {"b", "a"})
    assert (finding.reason, finding.path) == (Reason.SelectorNeedsClusterMode, "spec.allowReferencesFrom.selector")
    assert not finding.transient
    plan = {"spec": {"workflowRef": {"name": "x"}, "allowReferencesFrom": said}}
    mended = patched(plan, mend_command([finding.fix], Target("lp", "b", "x")))
    after = LaunchPlanSpec.model_validate(mended["spec"]).allow_references_from
    assert (after.scope, after.names, check_consent(after, {"a", "b"})) == ("Names", ("a", "b"), ())
