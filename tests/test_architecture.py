"""The design's laws that are not import contracts: sizes, names, cycles, and what the command line may load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "leptontui"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 60
BANNED_WORDS = ("Manager", "Helper")
BANNED_MODULES = {"utils", "util", "data", "info", "common", "helper", "helpers", "manager", "misc"}
HEAVY = ("textual", "polars", "asyncssh", "statsforecast", "numpy", "pandas", "ClusterShell")


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 20


def test_module_is_short_and_says_what_it_does(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))


def test_functions_are_short(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_names_say_something(module: Path) -> None:
    assert module.stem not in BANNED_MODULES
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef):
            assert not any(word in node.name for word in BANNED_WORDS), node.name


def imports_of(path: Path) -> Iterator[str]:
    """Modules of the package that `path` imports when it is loaded or type-checked, not inside functions."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in top_level(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in NAMES)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], *base.split(".")])
                base = base.rstrip(".")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in NAMES:
                    yield name
                elif base in NAMES:
                    yield base


def top_level(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from top_level(node)


def test_no_import_cycle_even_under_type_checking() -> None:
    graph = {name_of(path): set(imports_of(path)) - {name_of(path)} for path in MODULES}
    assert sum(map(len, graph.values())) > 20
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "cycle: " + " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for imported in sorted(graph[name]):
                visit(imported, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_the_command_line_loads_nothing_heavy() -> None:
    assert not loaded_by("import leptontui.cli").intersection(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    statement = "import contextlib, io\nfrom leptontui.cli import main\n"
    statement += "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main(['--help'])"
    assert not loaded_by(statement).intersection(HEAVY)


def test_the_screen_is_painted_before_polars_and_ssh_are_loaded() -> None:
    loaded = loaded_by("import leptontui.wiring.screen")
    assert "textual" in loaded
    assert not loaded.intersection({"polars", "asyncssh", "statsforecast", "numpy"})


def test_the_engine_alone_loads_no_action_and_no_forecasting_library() -> None:
    loaded = loaded_by("import leptontui.wiring.watch")
    assert not loaded.intersection({"leptontui.actions.desk", "leptontui.actions.audit", "statsforecast", "pandas"})
