"""What is sent to a host: a POSIX `sh` line that finds a Python, and over its stdin the probe, and a stand-in for it.

Nothing is installed on the host and no file is written there. The line must survive a login shell that is bash, zsh,
csh or fish, so it has no newline, no exclamation mark and no single quote; the transport quotes it once.

What comes over stdin, in this order:

1. a few lines that end a shell: what a start-up file reads it may have, and a shell that a start-up file puts in the
   place of the asked-for command ends before it takes the rest for commands;
2. the header, one line of JSON: sizes of what follows, and the probe's `config`;
3. the fallback, `lines` lines in `skip` bytes: sh and awk, for hosts where no Python can run the probe;
4. the compressed bundle of Python sources, `size` bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.abc
import importlib.util
import json
import shlex
import zlib
from importlib import resources
from typing import Final

from leptontui import __version__
from leptontui.errors import LeptonError
from leptontui.model.target import HostTarget
from leptontui.sources.bare import bare_python, bare_script
from leptontui.sources.needed import needed_of

NO_PYTHON_STATUS: Final = 78
"""Exit status where neither Python nor awk can run a probe (EX_CONFIG of sysexits.h)."""
EATEN_STATUS: Final = 74
"""Exit status where what was sent never came: something else read it (EX_IOERR)."""
FOREIGN_SHELL_STATUS: Final = 76
"""Exit status of a shell that took what was sent for commands (EX_PROTOCOL)."""
MARKER: Final = "LEPTON_PROBE=1; "

_PACKAGE: Final = "lepton_probe"
_AWK_FILES: Final = ("fallback.awk", "fallback_gpus.awk", "fallback_host.awk", "fallback_kernel.awk")
_AWK_MARKER: Final = "# lepton_probe\n"
"""So that the process table shows whose it is."""
_DECOYS: Final = f"exit {FOREIGN_SHELL_STATUS}\n".encode("ascii") * 3
_PYTHONS: Final = (
    "python3",
    *(f"python3.{minor}" for minor in range(13, 5, -1)),
    "/usr/libexec/platform-python",
)

# Reads up to the header and exactly the bytes it announces, unbuffered, so that the end of stdin is seen afterwards.
_BOOTSTRAP: Final = (
    "import sys,json,zlib;"
    'f=open(0,"rb",0,closefd=False);'
    'l=next((l for l in iter(f.readline,b"") if l[:1]==b"{"),None);'
    f"l or sys.exit({EATEN_STATUS});"
    "h=json.loads(l.decode());"
    'k=h["skip"];n=k+h["size"];b=[];'
    '[b.append(x) for x in iter(lambda:f.read(min(65536,n-sum(map(len,b)))),b"")];'
    's=json.loads(zlib.decompress(b"".join(b)[k:]).decode());'
    'n={"__name__":"lepton_probe.boot"};'
    'exec(compile(s["lepton_probe.boot"],"lepton_probe/boot.py","exec"),n);'
    'n["boot"](s,h)'
)
_IS_FIT: Final = "import sys,json,zlib,ctypes,select,threading;sys.exit(sys.version_info<(3,6))"
# The shell reads a line of a pipe byte by byte, so that nothing is read that the fallback leaves for others.
_FALL_BACK: Final = (
    "while read -r h; do case $h in {*) break;; esac; done; "
    'n=${h#*\\"lines\\":}; n=${n%%,*}; '
    "l=$(echo; echo .); l=${l%.}; s=; "
    "while [ ${n:-0} -gt 0 ] && IFS= read -r x; do s=$s$x$l; n=$((n-1)); done; "
    f'[ "$s" ] || exit {EATEN_STATUS}; '
    'eval "$s"'
)


@functools.cache
def launch_argv() -> tuple[str, ...]:
    """The command that starts the probe: argument vector, to be quoted by the transport."""
    bootstrap = _BOOTSTRAP.replace('"', '\\"')
    script = (
        f"{MARKER}for p in {' '.join(_PYTHONS)}; do "
        f'if "$p" -I -S -c "{_IS_FIT}" </dev/null >/dev/null 2>&1; then '
        f'exec "$p" -I -S -c "{bootstrap}"; '
        f"fi; done; {_FALL_BACK}"
    )
    return ("sh", "-c", script)


def launch_stdin(*, target: HostTarget, interval_s: float, phase: float) -> bytes:
    """What is to be written to the probe's stdin, which is then left open for as long as it should run.

    Args:
        target: the host: its services, scripts and units are what the probe is to look after.
        interval_s: time between two sweeps.
        phase: where in the interval this host sweeps, as a share of it: 0 to 1.

    Raises:
        LeptonError: pynvml is not installed here.
    """
    bundle, fallback = _bundle(), _fallback()
    header = {
        "size": len(bundle),
        "skip": len(fallback),
        "lines": fallback.count(b"\n"),
        "interval_s": interval_s,
        "phase": phase,
        "probe": f"leptontui {__version__}",
        "units": list(target.watched_units),
        "services": [dataclasses.asdict(service) for service in target.services],
        "scripts": [dataclasses.asdict(script) for script in target.scripts],
    }
    return b"".join((_DECOYS, json.dumps(header, separators=(",", ":")).encode("ascii"), b"\n", fallback, bundle))


@functools.cache
def _bundle() -> bytes:
    sources = {
        f"{_PACKAGE}.{entry.name.removesuffix('.py')}": entry.read_text(encoding="utf-8")
        for entry in resources.files("leptontui.probe").iterdir()
        if entry.name.endswith(".py")
    }
    # A twentieth of it is called. Errors are kept, as it makes their classes from what there is by name.
    sources["pynvml"] = needed_of(_pynvml_source(), list(sources.values()), always="NVML_ERROR_")
    sources = {name: bare_python(source) for name, source in sources.items()}
    return zlib.compress(json.dumps(sources).encode("ascii"), 9)


@functools.cache
def _fallback() -> bytes:
    """The shell's part with awk's part in a variable of it, without comments."""
    folder = resources.files("leptontui.probe")
    awk = "".join(bare_script(folder.joinpath(name).read_text(encoding="utf-8")) for name in _AWK_FILES)
    shell = bare_script(folder.joinpath("fallback.sh").read_text(encoding="utf-8"))
    return f"LEPTON_AWK={shlex.quote(_AWK_MARKER + awk)}\n{shell}".encode("ascii")


def _pynvml_source() -> str:
    spec = importlib.util.find_spec("pynvml")
    loader = spec.loader if spec is not None else None
    source = loader.get_source("pynvml") if isinstance(loader, importlib.abc.InspectLoader) else None
    if source is None:
        raise LeptonError("pynvml is not installed", "reinstall leptontui: it comes with nvidia-ml-py")
    return source
