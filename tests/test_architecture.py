"""The rooms keep their walls: imports point one way, modules stay small, names are said once."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "adcli"
MODULES = sorted(PACKAGE.rglob("*.py"))

VERBS = {"clean", "embed", "generate", "optimize", "evaluate"}
BELOW = {"core", "tables", "report", "statistics", "policies", "bidding", "copy"}
ALLOWED = {
    "cli": VERBS | BELOW | {"cli"},
    **{verb: BELOW | {verb} for verb in VERBS},
    "policies": {"policies", "statistics", "tables"},
    "bidding": {"bidding", "statistics"},
    "statistics": {"statistics"},
    "core": {"core"},
    "tables": {"tables"},
    "report": {"report"},
    "copy": {"copy"},
}


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            parts = name.split(".")
            if parts[0] == "adcli" and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    relative = path.relative_to(PACKAGE)
    if len(relative.parts) == 1:
        return
    room = relative.parts[0]
    wrong = set(imported_rooms(path)) - ALLOWED[room] - {"errors", "files", "__version__"}
    assert not wrong, f"{room} must not import {sorted(wrong)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_one_idea_short_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_only_core_knows_the_model_libraries():
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] == "core":
            continue
        text = path.read_text(encoding="utf-8")
        for library in ("transformers", "accelerate", "peft"):
            assert f"import {library}" not in text, path
            assert f"from {library}" not in text, path


def test_only_the_command_line_prints_and_exits():
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "exit", "input", "eval", "exec"}, f"{path}:{node.lineno}"


def test_nothing_is_pickled():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for word in (
            "import pickle",
            "joblib",
            "torch.save(",
            "torch.load(",
            "trust_remote_code=True",
            "allow_pickle=True",
        ):
            assert word not in text, f"{path}: {word}"
