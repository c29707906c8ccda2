"""Help costs no more than the command line library itself, and says what users need."""

import re
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "polars",
    "sklearn",
    "accelerate",
    "matplotlib",
    "scipy",
    "numpy",
    "pyarrow",
    "peft",
)

COMMANDS = [
    (),
    ("clean",),
    ("embed",),
    ("generate",),
    ("optimize",),
    ("optimize", "policy"),
    ("optimize", "apply"),
    ("optimize", "stream"),
    ("optimize", "encoder"),
    ("optimize", "bids"),
    ("optimize", "budget"),
    ("optimize", "forecast"),
    ("optimize", "roles"),
    ("optimize", "writer"),
    ("evaluate",),
    ("evaluate", "rates"),
    ("evaluate", "ab"),
    ("evaluate", "policy"),
    ("evaluate", "bids"),
    ("evaluate", "uplift"),
    ("evaluate", "model"),
    ("evaluate", "ads"),
    ("evaluate", "embeddings"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(command):
    code = (
        "import sys\n"
        f"sys.argv = ['adcli', *{list(command)!r}, '--help']\n"
        "from adcli.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert stop.code in (0, None), stop.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


TABLELESS = {("optimize", "stream"), ("optimize", "roles")}  # which read lines and no table


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c and c not in {("optimize",), ("evaluate",)}], ids=" ".join
)
def test_help_of_a_command_leads_with_examples_and_shared_options(adcli, command):
    text = adcli(*command, "--help").text
    assert re.search(r"adcli " + " ".join(command), text)
    for option in ("--output", "--to", "--config", "--seed", "--quiet"):
        assert option in text
    for option in ("--map", "--rejects", "--no-verify", "--delimiter"):
        assert (option in text) == (command not in TABLELESS)


def test_version_names_what_can_change_a_result(adcli):
    text = adcli("--version").text
    for word in ("adcli 0.", "python 3.", "torch", "transformers", "polars"):
        assert word in text


def test_a_mistyped_command_or_option_gets_a_suggestion(adcli):
    done = adcli("claen")
    assert done.returncode == 2
    assert "clean" in done.said
    done = adcli("clean", "--rejcts", "x.csv")
    assert done.returncode == 2
    assert "--rejects" in done.said


def test_exit_codes_are_documented(adcli):
    assert "141 closed pipe" in " ".join(adcli("--help").text.split())
