"""Mending commands: what a shell runs is exactly the change that mends the finding."""

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.mending import (
    Fix,
    Target,
    edit_object,
    join_fixes,
    mend_command,
    put_value,
    remove_item,
    retarget,
    run_command,
    set_field,
    set_item,
)

TARGET = Target("lp", "demo", "daily")


@pytest.mark.parametrize(
    ("fixes", "command"),
    [
        pytest.param([], "", id="nothing to mend, no command"),
        pytest.param([None], "", id="a finding without a fix has none either"),
        pytest.param(
            [set_field(3, "spec", "retries")],
            """kubectl patch lp daily -n demo --type=merge -p '{"spec":{"retries":3}}'""",
            id="a field is set by a merge patch",
        ),
        pytest.param(
            [set_field(3, "spec", "retries"), set_field(None, "spec", "fixedInputs", "x")],
            """kubectl patch lp daily -n demo --type=merge -p '{"spec":{"retries":3,"fixedInputs":{"x":null}}}'""",
            id="two changes of one object are one command",
        ),
        pytest.param(
            [set_field(1, "spec", "a"), retarget(set_field(2, "spec", "b"), "wfd", "report")],
            """kubectl patch lp daily -n demo --type=merge -p '{"spec":{"a":1}}' && """
            """kubectl patch wfd report -n demo --type=merge -p '{"spec":{"b":2}}'""",
            id="changes of two objects are two commands",
        ),
        pytest.param(
            [Fix(ops=({"op": "remove", "path": "/spec/env/0"},))],
            """kubectl patch lp daily -n demo --type=json -p '[{"op":"remove","path":"/spec/env/0"}]'""",
            id="an item of a list is reached by a JSON patch",
        ),
        pytest.param(
            [
                run_command("kubectl", "delete", "cronjob", "daily"),
                run_command("kubectl", "delete", "cronjob", "daily"),
            ],
            "kubectl delete cronjob daily -n demo",
            id="a command that two findings ask for runs once",
        ),
        pytest.param(
            [set_field(None, "spec", "a"), set_field(3, "spec", "a"), set_field({"b": 1}, "spec")],
            """kubectl patch lp daily -n demo --type=merge -p '{"spec":{"a":null,"b":1}}'""",
            id="of two values for one field the first counts",
        ),
        pytest.param(
            [
                remove_item("spec.env[1]"),
                remove_item("spec.env[10]"),
                remove_item("spec.env[1]"),
                set_item("x", "spec.env[2].name"),
            ],
            """kubectl patch lp daily -n demo --type=json -p '[{"op":"replace","path":"/spec/env/2/name","value":"x"},"""
            """{"op":"remove","path":"/spec/env/10"},{"op":"remove","path":"/spec/env/1"}]'""",
            id="items are removed from the last to the first, each once, so that none moves before its turn",
        ),
        pytest.param(
            [put_value({"a": 1}, "spec", "inputs", "x/y"), put_value(2, "spec", "inputs", "z")],
            """kubectl patch lp daily -n demo --type=merge -p '{"spec":{"inputs":{"z":2}}}' && """
            """kubectl patch lp daily -n demo --type=json -p '[{"op":"add","path":"/spec/inputs/x~1y","value":{"a":1}}]'""",
            id="an object takes another's place, which a merge patch cannot do",
        ),
        pytest.param([edit_object()], "kubectl edit lp daily -n demo", id="a person mends what no patch can"),
        pytest.param(
            [retarget(edit_object(), "wfd", "report")], "kubectl edit wfd report -n demo", id="in another object, too"
        ),
        pytest.param(
            [
                Fix({"spec": {"a": 1}}, then="first -n {namespace}"),
                run_command("second"),
                Fix(then="first -n {namespace}"),
            ],
            """second -n demo && kubectl patch lp daily -n demo --type=merge -p '{"spec":{"a":1}}' && first -n demo""",
            id="what follows comes last, and once",
        ),
    ],
)
def test_fixes_become_one_command(fixes: list[Fix | None], command: str) -> None:
    """In the order of the objects, each namespace named."""
    assert mend_command(fixes, TARGET) == command


def test_joined_fixes_are_one() -> None:
    """Changes of one object count before a command that a person would have to follow."""
    item = set_item(1, "spec.a[0]")
    assert join_fixes([None, edit_object(), set_field(1, "spec", "b"), item]) == Fix({"spec": {"b": 1}}, item.ops)
    assert join_fixes([None, edit_object()]) == edit_object()
    assert join_fixes([None]) is None


def test_a_fix_of_another_object_stays_its() -> None:
    """Whoever suffers from it passes it on."""
    assert retarget(None, "wfd", "report") is None
    first = retarget(set_field(1, "spec", "a"), "wfd", "one")
    assert retarget(first, "wfd", "two") == first


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_no_value_breaks_out_of_its_command(key: str, value: dict[str, Any]) -> None:
    """A shell hands kubectl the very patch, whatever quotes, braces and line ends are in it."""
    words = shlex.split(mend_command([set_field(value, "spec", key)], TARGET))
    assert words[:7] == ["kubectl", "patch", "lp", "daily", "-n", "demo", "--type=merge"]
    assert json.loads(words[8]) == {"spec": {key: value}}
    assert len(words) == 9


@given(st.lists(st.text(min_size=1), min_size=1))
def test_no_word_breaks_out_of_a_command(words: list[str]) -> None:
    """Nor do names that a person chose."""
    assert shlex.split(mend_command([run_command(*words)], TARGET)) == [*words, "-n", "demo"]
