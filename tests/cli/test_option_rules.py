"""No option is without effect in silence: every option of every command, on its command line and in its code."""

import ast
import inspect
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from adcli.cli.app import app
from adcli.cli.commands import LAST_PANELS, all_commands
from adcli.cli.option_rules import Excludes, Needs, Suffix
from adcli.errors import UsageError, did_you_mean

COMMANDS = dict(all_commands(app))
OPTIONS = [
    pytest.param(command, option, id=f"{' '.join(words)} {max(option.opts, key=len)}")
    for words, command in COMMANDS.items()
    for option in command.params
    if option.param_type_name == "option"
]
RULES = [
    pytest.param(command, option, rule, id=f"{' '.join(words)} {option} {type(rule).__name__}")
    for words, command in COMMANDS.items()
    for option, rules in command.callback.option_rules.items()
    for rule in rules
]
SOURCES = "\n".join(
    path.read_text("utf-8") for path in (Path(__file__).parents[2] / "adcli" / "cli").rglob("*.py")
)
USED_NAMES = {
    node.id if isinstance(node, ast.Name) else node.attr
    for node in ast.walk(ast.parse(SOURCES.replace("from __future__ import annotations", "")))
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
}


def given(option, suffix=""):
    """The words that give an option a value it takes."""
    name = max(option.opts, key=len)
    if option.is_flag:
        return [name]
    asked = option.get_runtime_param()
    kind = asked.annotation
    if get_origin(kind) is Literal:
        return [name, get_args(kind)[0]]
    if option.nargs > 1:
        return [name, *["0.6"] * option.nargs]
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    if kind not in (int, float):
        return [name, f"x=1{suffix}"]
    least, most = asked.parameter_info.min or 0, asked.parameter_info.max or 100
    return [name, str(kind(min(max(least, 4), most)))]


def rules_of(command, option, kind):
    return [rule for rule in command.callback.option_rules.get(option, ()) if isinstance(rule, kind)]


def parsed(command, words):
    with command.make_context("adcli", ["input.csv", *words]) as context:
        return context


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_an_option_is_read_somewhere(command, option):
    assert option.name in USED_NAMES | {"help"}


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_an_option_that_takes_one_value_is_given_once(command, option):
    if option.multiple or option.is_flag or option.name in {"help", "config"}:
        return
    twice = given(option, ".html") * 2
    with pytest.raises(UsageError, match="was given 2 times"):
        parsed(command, twice)


@pytest.mark.parametrize(("command", "option", "rule"), RULES)
def test_an_option_without_effect_is_refused(command, option, rule):
    parameters = {parameter.name: parameter for parameter in command.params}
    words, needed = given(parameters[option]), []
    if isinstance(rule, Suffix):
        words[-1] = "page.pdf"
        expected = "expected a name"
    elif isinstance(rule, Needs):
        if option in rule.parameters:
            return
        expected = "has no effect without"
    else:
        assert isinstance(rule, Excludes)
        other = rule.parameters[0]
        needed = [each.parameters[0] for name in (option, other) for each in rules_of(command, name, Needs)]
        words += [word for name in (other, *needed) for word in given(parameters[name])]
        expected = "has no effect with"
    words += [
        word
        for each in parameters.values()
        if each.required and each.name != option and each.param_type_name == "option"
        for word in given(each)
    ]
    named = {option} if isinstance(rule, Suffix) else {option, *needed}
    said = "|".join(max(parameters[name].opts, key=len) for name in named)
    with pytest.raises(UsageError, match=f"({said}).*{expected}"):
        parsed(command, words)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_an_option_in_its_panel_and_shared_panels_last(words):
    command = COMMANDS[words]
    with command.make_context("adcli", [], resilient_parsing=True) as context:
        lines = command.get_help(context).splitlines()
    panels = [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]
    shared = [panel for panel in LAST_PANELS if panel in panels]
    assert panels[0] == "What to do"
    assert panels[-len(shared) :] == shared
    assert len(set(panels)) == len(panels)
    named = {option.rich_help_panel for option in command.params if option.rich_help_panel}
    assert named <= set(panels)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_says_which_question_it_answers(words):
    command = COMMANDS[words]
    assert command.short_help or inspect.getdoc(command.callback)


def test_letters_that_were_swapped_are_meant_first():
    assert did_you_mean("crt", ["cvr", "ctr", "cpc", "cpm"]) == "Did you mean 'ctr'?"


def test_errors_of_the_command_line_look_as_all_others_do(adcli):
    for words in (
        ["evaluate", "rates", "--crt"],
        ["evaluat"],
        ["clean", "--seed", "x"],
        ["evaluate", "ab", "-o"],
    ):
        done = adcli(*words)
        assert done.returncode == 2
        assert done.said.startswith("error: ")
        assert len(done.said.splitlines()) == 1


def test_a_learned_directory_has_no_format(adcli):
    done = adcli("optimize", "policy", "x.csv", "-o", "policy", "--to", "csv")
    assert done.returncode == 2
    assert "--to has no effect" in done.said


def test_an_error_about_a_value_names_its_option_and_what_the_file_is(adcli, tmp_path):
    (tmp_path / "report.csv").write_text("date,campaign_id,impressions,clicks\n2024-01-01,c,100,3\n")
    (tmp_path / "products.csv").write_text("item_id,title,price\n1,a red shoe,3\n")
    for words, expected in (
        (["rates", "report.csv", "--metric", "crt"], "--metric: 'crt' is no rate. Did you mean 'ctr'?"),
        (["rates", "report.csv", "--by", "capmaign_id"], "--by: There is no column 'capmaign_id'"),
        (["rates", "report.csv", "--confidence", "95"], "--confidence: expected at most 0.999."),
        (
            ["ab", "products.csv", "--metric", "price", "--variant", "arm"],
            "--variant arm: products.csv has no column",
        ),
        (["ab", "products.csv", "--metric", "price"], "it holds products (a row is one thing for sale)"),
    ):
        done = adcli("evaluate", *words)
        assert expected in done.said
