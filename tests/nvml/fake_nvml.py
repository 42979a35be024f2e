"""Builds the stand-in for libnvidia-ml.so.1 and writes the file that its readings come from.

The file's format is described at the top of `fake_nvml.c`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("fake_nvml.c")
LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "LEPTON_FAKE_NVML"

Value = str | int | float | Iterable[str]


def build(directory: Path, driver: str = "580.159.03") -> Path:
    """Compile the library into `directory`; returns its path.

    Args:
        directory: where it is put.
        driver: the version that it says it is, where the readings name none.

    Raises:
        FileNotFoundError: there is no C compiler here.
        subprocess.CalledProcessError: it does not compile.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("no C compiler (gcc or cc) on PATH")
    target = directory / LIBRARY
    subprocess.run(
        [
            compiler,
            "-shared",
            "-fPIC",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            f'-DDRIVER="{driver}"',
            f"-Wl,-soname,{LIBRARY}",
            "-o",
            str(target),
            str(SOURCE),
            "-lpthread",
        ],
        check=True,
    )
    return target


def write_readings(path: Path, readings: Mapping[str, Value]) -> None:
    """Replace the file of readings in one step, e.g. `{"count": 8, "gpu0.temp": 64, "gpu0.process": ["12 1024"]}`.

    A value that is a list makes one line for each of its items.
    """
    lines = []
    for key, value in readings.items():
        values = [str(value)] if isinstance(value, str | int | float) else [str(item) for item in value]
        lines += [f"{key} {item}" for item in values]
    replacement = path.with_name(path.name + ".new")
    replacement.write_text("".join(line + "\n" for line in lines))
    replacement.replace(path)


def environment(library: Path, readings: Path) -> dict[str, str]:
    """The environment variables with which a process finds the library and its readings."""
    return {"LD_LIBRARY_PATH": str(library.parent), VARIABLE: str(readings)}
