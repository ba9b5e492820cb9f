"""References: whether what they declare fits what a plan offers, field by field, and how a mismatch is mended."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Target, mend_command
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec, ResolvedPlan
from launchplan_operator.api.types import Type, TypeProblem, parse_type
from launchplan_operator.api.workflow import InputParameter, Interface
from launchplan_operator.decide.casting import castable
from launchplan_operator.decide.inputs import Bindings
from launchplan_operator.decide.planstatus import plan_interface
from launchplan_operator.decide.pointers import (
    Offer,
    Taken,
    another_version,
    check_interface,
    check_passed,
    check_reference,
    offer_status,
    points_at_itself,
    points_at_reference,
    read_offer,
    reference_invalid,
    reference_not_found,
    target_inactive,
    target_unavailable,
    target_unreadable,
    target_version_not_found,
)
from tests.unit.mended import patched
from tests.unit.type_strategies import TYPES

TARGET = Target("rlp", "team-a", "theirs")
OFFER = Offer(
    *("team-b", "report", "u", "v1", "f" * 64),
    inputs=(Taken("city", "string", required=True), Taken("days", "integer", required=False)),
    fixed=("mode",),
    outputs=(("rows", "integer"), ("page", "blob")),
)


def spec(**fields: Any) -> ReferenceLaunchPlanSpec:
    """Return a reference that declares the offer's required input, but for what is given."""
    fitting = {"namespace": "team-b", "name": "report", "inputs": named(city="string")}
    return ReferenceLaunchPlanSpec.model_validate(fitting | fields)


def named(**types: str) -> list[dict[str, str]]:
    """Return fields by their names and types."""
    return [{"name": name, "type": text} for name, text in types.items()]


def plain(reference: ReferenceLaunchPlanSpec) -> dict[str, Any]:
    """Return a reference as it is stored."""
    return {"spec": reference.model_dump(mode="json", by_alias=True, exclude_none=True)}


def mended(reference: ReferenceLaunchPlanSpec, findings: tuple[Finding, ...]) -> ReferenceLaunchPlanSpec:
    """Return a reference after the command that the findings name."""
    text = mend_command((finding.fix for finding in findings), TARGET)
    return ReferenceLaunchPlanSpec.model_validate(patched(plain(reference), text)["spec"])


NOTHING: list[tuple[str, str]] = []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, NOTHING, id="what the plan needs, and nothing else"),
        pytest.param({"inputs": named(city="string", days="integer")}, NOTHING, id="all that it takes"),
        pytest.param({"outputs": named(rows="integer", page="blob")}, NOTHING, id="all that it gives"),
        pytest.param({"outputs": named(rows="optional[integer]")}, NOTHING, id="an output that may hold more"),
        pytest.param({"inputs": named(city="enum[Oslo, Rome]")}, NOTHING, id="an input that is narrower"),
        pytest.param(
            {"inputs": named(city="integer")},
            [("spec.inputs[city].type", "input 'city': the reference passes integer, but the plan takes string")],
            id="an input of another type",
        ),
        pytest.param(
            {"inputs": named(city="optional[string]")},
            [("spec.inputs[city].type", "the reference passes optional[string], but the plan takes string")],
            id="an input that is wider: null would not be taken",
        ),
        pytest.param(
            {"inputs": named(city="string", town="string")},
            [("spec.inputs[town]", "input 'town': the reference passes string, but the plan has no such input")],
            id="an input that the plan does not have",
        ),
        pytest.param(
            {"inputs": named(city="string", mode="string")},
            [("spec.inputs[mode]", "input 'mode': the reference passes string, but the plan fixes it")],
            id="an input that the plan fixes",
        ),
        pytest.param(
            {"inputs": []},
            [("spec.inputs", "input 'city': the plan needs string, but the reference passes none")],
            id="an input that the plan needs",
        ),
        pytest.param(
            {"outputs": named(row="integer")},
            [("spec.outputs[row]", "output 'row': the reference expects integer, but the plan gives none")],
            id="an output that the plan does not give",
        ),
        pytest.param(
            {"outputs": named(rows="string")},
            [("spec.outputs[rows].type", "output 'rows': the reference expects string, but the plan gives integer")],
            id="an output of another type",
        ),
        pytest.param(
            {"inputs": named(city="string", days="string", x="struct"), "outputs": named(page="string")},
            [
                ("spec.inputs[days].type", "the reference passes string, but the plan takes integer"),
                ("spec.inputs[x]", "the reference passes struct, but the plan has no such input"),
                ("spec.outputs[page].type", "the reference expects string, but the plan gives blob"),
            ],
            id="every field that differs is told",
        ),
    ],
)
def test_each_field_that_does_not_fit_is_told_with_both_types_and_mended(
    fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """In the reference's order; the command leaves nothing of it."""
    reference = spec(**fields)
    findings = check_interface(reference, OFFER)
    assert [finding.path for finding in findings] == [path for path, _ in expected]
    for finding, (_, words) in zip(findings, expected, strict=True):
        assert words in finding.message
        assert (finding.reason, finding.transient) == (Reason.InterfaceMismatch, False)
    if findings:
        assert check_interface(mended(reference, findings), OFFER) == ()


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        pytest.param({"inputs": named(city="string", dayz="integer")}, "did you mean 'days'?", id="an input's name"),
        pytest.param(
            {"inputs": named(city="string", zzz="integer")}, "the plan takes city, days", id="no input's name"
        ),
        pytest.param({"outputs": named(rowz="integer")}, "did you mean 'rows'?", id="an output's name"),
        pytest.param({"outputs": named(zzz="integer")}, "the plan gives rows, page", id="no output's name"),
    ],
)
def test_a_slip_in_a_name_is_asked_about(fields: dict[str, Any], hint: str) -> None:
    """Or all names are told, of which none is a value."""
    assert [finding.hint for finding in check_interface(spec(**fields), OFFER)] == [hint]


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        pytest.param({"inputs": named(a="int")}, ["spec.inputs[a].type"], id="an input"),
        pytest.param({"outputs": named(a="list[]")}, ["spec.outputs[a].type"], id="an output"),
        pytest.param(
            {"inputs": named(a="x", b="string", c="y"), "outputs": named(d="z")},
            ["spec.inputs[a].type", "spec.inputs[c].type", "spec.outputs[d].type"],
            id="several",
        ),
        pytest.param({}, [], id="none"),
    ],
)
def test_a_type_that_does_not_parse_is_told_and_mended(fields: dict[str, Any], paths: list[str]) -> None:
    """Whatever the plan is: nothing is compared before."""
    reference = spec(**fields)
    findings = check_reference(reference)
    assert [(finding.reason, finding.path) for finding in findings] == [(Reason.TypeInvalid, path) for path in paths]
    assert check_reference(mended(reference, findings)) == ()


NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
OFFERS = st.builds(
    lambda inputs, fixed, outputs: replace(
        OFFER,
        inputs=tuple(Taken(name, str(kind), required) for name, (kind, required) in inputs.items()),
        fixed=tuple(sorted(fixed - set(inputs))),
        outputs=tuple((name, str(kind)) for name, kind in outputs.items()),
    ),
    st.dictionaries(NAMES, st.tuples(TYPES, st.booleans()), max_size=3),
    st.sets(NAMES),
    st.dictionaries(NAMES, TYPES, max_size=3),
)


def exactly(offer: Offer) -> ReferenceLaunchPlanSpec:
    """Return the reference that declares what a plan offers, no more and no less."""
    inputs = {each.name: each.type for each in offer.inputs}
    return spec(inputs=named(**inputs), outputs=named(**dict(offer.outputs)))


def parsed(text: str) -> Type:
    """Return the type of a text that is known to be good."""
    found = parse_type(text)
    assert not isinstance(found, TypeProblem), found
    return found


@given(OFFERS)
def test_what_declares_exactly_what_is_offered_fits(offer: Offer) -> None:
    """Whatever the types: each is castable to itself."""
    assert check_interface(exactly(offer), offer) == ()


@given(OFFERS, st.data())
def test_what_declares_less_fits_but_for_what_is_needed(offer: Offer, data: st.DataObject) -> None:
    """Each required input that is left out is told once, with its type, and the command declares them all."""
    kept = data.draw(st.sets(st.sampled_from([each.name for each in offer.inputs]))) if offer.inputs else set()
    reference = spec(inputs=named(**{each.name: each.type for each in offer.inputs if each.name in kept}))
    findings = check_interface(reference, offer)
    missing = [each for each in offer.inputs if each.required and each.name not in kept]
    assert [finding.path for finding in findings] == ["spec.inputs"] * len(missing)
    for each, finding in zip(missing, findings, strict=True):
        assert f"input {each.name!r}: the plan needs {each.type}" in finding.message
    if findings:
        assert check_interface(mended(reference, findings), offer) == ()


@pytest.mark.parametrize("declared", [{}, {"b": "string"}], ids=["where none was", "beside one"])
def test_several_inputs_that_are_needed_are_declared_at_once(declared: dict[str, str]) -> None:
    """Each in a place of its own."""
    offer = replace(OFFER, inputs=tuple(Taken(name, "string", required=True) for name in "abc"))
    reference = spec(inputs=named(**declared))
    after = mended(reference, check_interface(reference, offer))
    assert sorted(each.name for each in after.inputs) == ["a", "b", "c"]
    assert check_interface(after, offer) == ()


@given(OFFERS, TYPES, st.data())
def test_another_type_is_told_where_it_does_not_flow(offer: Offer, kind: Type, data: st.DataObject) -> None:
    """What is passed must be taken; what is relied on must be given: the two directions are opposite."""
    fields = [("inputs", index) for index in range(len(offer.inputs))]
    fields += [("outputs", index) for index in range(len(offer.outputs))]
    assume(fields)
    side, index = data.draw(st.sampled_from(fields))
    reference = plain(exactly(offer))["spec"]
    field = reference[side][index]
    before, field["type"] = field["type"], str(kind)
    edited = ReferenceLaunchPlanSpec.model_validate(reference)
    findings = check_interface(edited, offer)
    flows = castable(kind, parsed(before)) if side == "inputs" else castable(parsed(before), kind)
    assert [finding.path for finding in findings] == ([] if flows else [f"spec.{side}[{field['name']}].type"])
    for finding in findings:
        assert str(kind) in finding.message
        assert before in finding.message
        assert check_interface(mended(edited, findings), offer) == ()


@given(OFFERS, TYPES, st.data())
def test_one_more_field_is_told_and_taken_away_again(offer: Offer, kind: Type, data: st.DataObject) -> None:
    """Nobody takes it, or nobody gives it; the others are not touched."""
    side = data.draw(st.sampled_from(["inputs", "outputs"]))
    name = data.draw(st.sampled_from([*(offer.fixed if side == "inputs" else ()), "omega"]))
    before = plain(exactly(offer))["spec"]
    extra = {"name": name, "type": str(kind)}
    place = data.draw(st.integers(0, len(before[side])))
    edited = ReferenceLaunchPlanSpec.model_validate(
        before | {side: [*before[side][:place], extra, *before[side][place:]]}
    )
    (finding,) = check_interface(edited, offer)
    assert finding.path == f"spec.{side}[{name}]"
    assert ("fixes it" in finding.message) == (name != "omega")
    assert plain(mended(edited, (finding,)))["spec"] == before


@given(OFFERS)
def test_an_offer_is_read_as_it_is_told(offer: Offer) -> None:
    """What stands in a reference's status is of its model, and says all of the offer."""
    told = offer_status(offer)
    ResolvedPlan.model_validate(told)
    interface = {
        "parameters": told.get("inputs", ()),
        "fixedInputs": told.get("fixed", ()),
        "outputs": told.get("outputs", ()),
    }
    assert read_offer(("team-b", "report", "u"), ("v1", "f" * 64), interface) == offer


def test_no_value_of_a_plan_is_in_its_offer() -> None:
    """Neither a default nor what it fixes: names, types, and whether a value is needed."""
    inputs = [
        {"name": "a", "type": "string", "default": "SECRET-1"},
        {"name": "b", "type": "string"},
        {"name": "c", "type": "string"},
        {"name": "d", "type": "string"},
    ]
    interface = Interface.model_validate({"inputs": inputs, "outputs": named(x="string")})
    shown = plan_interface(interface, Bindings({"b": "SECRET-2"}, {"c": "SECRET-3"}))
    told = offer_status(read_offer(("team-b", "report", "u"), ("v1", "f" * 64), shown))
    assert "SECRET" not in str(told)
    assert told["fixed"] == ["c"]
    needed = {each["name"]: each["required"] for each in told["inputs"]}
    assert needed == {"a": False, "b": False, "d": True}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        pytest.param({"city": "Oslo"}, [], id="what is needed"),
        pytest.param({"city": "Oslo", "days": 3}, [], id="all that is declared"),
        pytest.param({}, [(Reason.MissingInput, "spec.inputs.city")], id="too little"),
        pytest.param({"city": 3}, [(Reason.TypeMismatch, "spec.inputs.city")], id="another type"),
        pytest.param(
            {"city": "Oslo", "mode": "x"}, [(Reason.UnexpectedInput, "spec.inputs.mode")], id="what the plan fixes"
        ),
        pytest.param(
            {"citty": "x", "days": "y"},
            [
                (Reason.UnexpectedInput, "spec.inputs.citty"),
                (Reason.TypeMismatch, "spec.inputs.days"),
                (Reason.MissingInput, "spec.inputs.city"),
            ],
            id="all of it at once",
        ),
    ],
)
def test_a_run_passes_what_the_reference_declares(
    inputs: Mapping[str, Any], expected: list[tuple[Reason, str]]
) -> None:
    """All that the plan needs, and nothing that is not declared."""
    reference = spec(inputs=named(city="string", days="integer"))
    assert [(finding.reason, finding.path) for finding in check_passed(reference, OFFER, inputs)] == expected


@pytest.mark.parametrize(
    ("finding", "reason", "transient"),
    [
        pytest.param(target_unavailable("b/x"), Reason.TargetUnavailable, True, id="a plan that may come to be seen"),
        pytest.param(target_inactive("b/x", "v1"), Reason.TargetInactive, True, id="one that may be activated"),
        pytest.param(
            target_version_not_found("b/x", "v9", ["v1"]), Reason.VersionNotFound, True, id="a version to come"
        ),
        pytest.param(target_unreadable("b/x", "v1"), Reason.VersionNotFound, True, id="a version that is made again"),
        pytest.param(points_at_itself("a/x"), Reason.ReferenceToItself, False, id="a reference to itself"),
        pytest.param(points_at_reference("a/y"), Reason.ReferenceToReference, False, id="a reference to a reference"),
        pytest.param(reference_not_found("x", []), Reason.ReferenceNotFound, True, id="a reference to come"),
        pytest.param(another_version("x", "v2", "v1"), Reason.VersionNotFound, False, id="a run of another version"),
    ],
)
def test_only_what_somebody_else_may_mend_is_waited_for(finding: Finding, reason: Reason, *, transient: bool) -> None:
    """All else stalls at once."""
    assert (finding.reason, finding.transient) == (reason, transient)


@pytest.mark.parametrize(
    ("finding", "version"),
    [
        pytest.param(target_inactive("team-b/report", "v7"), "v7", id="the newest, where none is active"),
        pytest.param(target_version_not_found("team-b/report", "w1", ["v1", "w2"]), "w2", id="the nearest one"),
        pytest.param(target_version_not_found("team-b/report", "zzz", ["v1", "v2"]), "v2", id="else the newest"),
        pytest.param(target_version_not_found("team-b/report", "zzz", []), None, id="none, where there is none"),
        pytest.param(target_inactive("team-b/report", None), None, id="nothing to name, where none is valid"),
    ],
)
def test_a_version_that_is_there_is_named_by_the_command(finding: Finding, version: str | None) -> None:
    """Which is then the reference's."""
    before = spec(version="zzz") if finding.reason is Reason.VersionNotFound else spec()
    after = mended(before, (finding,)) if finding.fix else before
    assert after.version == version


def test_a_run_is_told_of_its_references_finding_with_the_references_own_command() -> None:
    """What mends the reference mends the run."""
    (finding,) = check_interface(spec(inputs=named(city="integer")), OFFER)
    told = reference_invalid("theirs", finding)
    assert (told.reason, told.transient) == (Reason.ReferenceInvalid, False)
    assert finding.text in told.message
    command = mend_command([told.fix], Target("lpx", "team-a", "asked"))
    assert command.startswith("kubectl patch rlp theirs -n team-a ")


def test_parameters_are_those_of_the_interface() -> None:
    """An optional type needs no value, as in a workflow."""
    interface = Interface(inputs=(InputParameter(name="a", type="optional[string]"),))
    offer = read_offer(("b", "x", "u"), ("v", "h"), plan_interface(interface, Bindings()))
    assert offer.inputs == (Taken("a", "optional[string]", required=False),)
