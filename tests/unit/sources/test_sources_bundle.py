"""What is sent to a host says the same as what it was made of, with the same line numbers."""

import ast
import inspect
import json
import re
import zlib
from importlib import resources

import pynvml
import pytest

from leptontui.model.target import HostTarget
from leptontui.sources.bare import bare_python, bare_script
from leptontui.sources.bundle import launch_stdin
from leptontui.sources.needed import needed_of

MODULES = {
    entry.name: entry.read_text()
    for entry in resources.files("leptontui.probe").iterdir()
    if entry.name.endswith(".py")
}


class Wordless(ast.NodeTransformer):
    """Takes out statements that are but a constant."""

    def visit(self, node):
        super().generic_visit(node)
        for block in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, block, None), list):
                setattr(node, block, [one for one in getattr(node, block) if not is_constant(one)])
        return node


def is_constant(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def sent_modules():
    sent = launch_stdin(target=HostTarget("gpu001"), interval_s=1.0, phase=0.0)
    header, _, rest = sent[sent.index(b"{") :].partition(b"\n")
    return json.loads(zlib.decompress(rest[json.loads(header)["skip"] :]))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_bare_module_does_the_same_on_the_same_lines(name):
    bare = bare_python(MODULES[name])
    assert len(bare.splitlines()) == len(MODULES[name].splitlines())
    was, now = (Wordless().visit(ast.parse(source)) for source in (MODULES[name], bare))
    # Columns may differ, lines may not.
    assert [(type(node), node.lineno) for node in ast.walk(was) if hasattr(node, "lineno")] == [
        (type(node), node.lineno) for node in ast.walk(now) if hasattr(node, "lineno")
    ]
    assert ast.dump(was) == ast.dump(now)
    assert ast.get_docstring(ast.parse(bare)) is None


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ('"""Doc."""\nx = "#"  # why\n', '\nx = "#"\n'),
        ('class A:\n    """Doc.\n\n    More.\n    """\n\n\nA()\n', "class A:\n    0\n\n\n\n\n\nA()\n"),
        ('def f():\n    """Doc."""\n    return """a\n# b"""\n', 'def f():\n\n    return """a\n# b"""\n'),
        ("x = (\n    'a'  # one\n    'b'\n)\n", "x = (\n    'a'\n    'b'\n)\n"),
        ("# Copyright 2000\n# by somebody\nx = 1  # one\n", "# Copyright 2000\n# by somebody\nx = 1\n"),
    ],
)
def test_what_is_taken_out(source, bare):
    assert bare_python(source) == bare


def test_a_bare_script_has_its_commands_only():
    assert bare_script("# why\n\n  if a; then # b\n\techo c\n  fi\n") == "if a; then # b\necho c\nfi\n"


MODULE = """\
import os
A = 1
B = A + 1
ERROR_X = 7
def wrapped(f):
    return f
def used():
    return B
@wrapped
def unused():
    return A
class Made_1_Thing: pass
class Made_2_Thing(Made_1_Thing): pass
if os.name:
    C = used
"""


def test_only_what_is_named_is_needed_and_what_that_needs():
    needed = needed_of(MODULE, ["nothing"], always="ERROR_")
    assert needed.splitlines() == [
        "import os", "A = 1", "B = A + 1", "ERROR_X = 7", "", "", "def used():", "    return B",
        "", "", "", "", "", "if os.name:", "    C = used",
    ]  # fmt: skip
    assert "@wrapped\ndef unused" in needed_of(MODULE, ["module.unused()"], always="ERROR_")
    both = needed_of(MODULE, ['getattr(module, "Made_%s_Thing" % 2)'], always="ERROR_")
    assert "class Made_1_Thing" in both
    assert "class Made_2_Thing" in both


def test_all_of_pynvml_that_the_probe_may_name_is_sent():
    words = set(re.findall(r"\w+", "".join(MODULES.values())))
    # Classes of errors are made when it is imported.
    named = {name for name in words if name.lower().startswith("nvml") and hasattr(pynvml, name)} - {
        word for word in words if word.startswith("NVMLError_")
    }
    sent = sent_modules()["pynvml"]
    assert len(named) > 50
    assert [
        name for name in sorted(named) if not re.search(rf"^(?:def|class) {name}\b|^{name} *=", sent, re.MULTILINE)
    ] == []
    for name in ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"):
        assert f"def {name}(" in sent
    assert len(sent) < len(inspect.getsource(pynvml)) / 3
    # Its licence asks for it.
    assert "Copyright" in sent
