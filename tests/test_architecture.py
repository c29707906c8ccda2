"""The rooms keep their walls: imports point one way, modules stay small, names are said once."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "adcli"
MODULES = sorted(PACKAGE.rglob("*.py"))

VERBS = {"clean", "embed", "generate", "optimize", "evaluate"}
BELOW = {"core", "tables", "report", "statistics", "policies", "bidding", "copy", "behaviour", "privacy"}
ALLOWED = {
    "cli": VERBS | BELOW | {"cli"},
    **{verb: BELOW | {verb} for verb in VERBS},
    "policies": {"policies", "statistics", "core", "tables"},
    "bidding": {"bidding", "statistics"},
    "behaviour": {"behaviour", "statistics", "tables"},
    "statistics": {"statistics"},
    "core": {"core", "statistics"},
    "tables": {"tables"},
    "report": {"report", "statistics"},
    "copy": {"copy", "core"},
    "privacy": {"privacy"},
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
    wrong = (
        set(imported_rooms(path))
        - ALLOWED[room]
        - {"arrays", "errors", "files", "numbers", "progress", "stores", "__version__"}
    )
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


def test_only_one_module_knows_spark():
    for path in MODULES:
        if path.relative_to(PACKAGE).as_posix() != "tables/spark.py":
            text = path.read_text(encoding="utf-8")
            assert "import pyspark" not in text, path
            assert "from pyspark" not in text, path


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


SUBROOMS_OF_TABLES = {
    "adcli.tables.formats": set(),  # besides the modules beside them: bytes, encodings, names of columns
    "adcli.tables.standard": {"adcli.tables.formats"},
}


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODULES}


def imported_modules(path):
    """The modules of the package that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("adcli"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in NAMES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in NAMES)


def subroom(name):
    """`adcli.core.encoding` for all that lies in it; a module beside sub-rooms stands for itself."""
    folder = name if NAMES[name].name == "__init__.py" else name.rpartition(".")[0]
    return ".".join(folder.split(".")[:3]) if folder.count(".") >= 2 else name


IMPORTS = {name: set(imported_modules(path)) & set(NAMES) - {name} for name, path in NAMES.items()}


def by_subroom():
    graph = {}
    for name, imported in IMPORTS.items():
        graph.setdefault(subroom(name), set()).update(map(subroom, imported))
    return {room: imported - {room} for room, imported in graph.items()}


def circles(graph):
    """The groups of nodes that all reach each other."""

    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            for node in graph[waiting.pop()] - seen:
                seen.add(node)
                waiting.append(node)
        return seen

    reach = {node: reached(node) for node in graph}
    return {
        frozenset(other for other in reach[node] if node in reach[other])
        for node in graph
        if node in reach[node]
    }


@pytest.mark.parametrize("graph", [IMPORTS, by_subroom()], ids=["modules", "sub-rooms"])
def test_nothing_imports_in_circles(graph):
    assert not [sorted(circle) for circle in circles(graph)]


def test_the_subrooms_of_tables_know_their_order():
    for room, allowed in SUBROOMS_OF_TABLES.items():
        others = {other for other in by_subroom()[room] if other.startswith("adcli.tables.")}
        assert others & set(SUBROOMS_OF_TABLES) <= allowed, room


def test_test_files_have_names_of_their_own():
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
