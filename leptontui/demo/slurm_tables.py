"""sinfo and squeue of the simulated fleet: arguments in, Slurm's own text and exit status out.

Formats, messages and exit statuses were taken down from Slurm 22.05.
"""

from __future__ import annotations

import getopt
import re
from collections.abc import Callable
from typing import Final

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.layout import CPU_COUNT, SimulatedHost, folded, unfolded
from leptontui.demo.scontrol import MEMORY_MB
from leptontui.demo.slurm import DEFAULT_PARTITION, Asked, Job, elapsed, stamp

_FIELD = re.compile(r"%(\.?)(\d*)([A-Za-z])")
_STATE_ORDER: Final = ("drain", "drng", "mix", "alloc", "idle")


def sinfo(argv: list[str], asked: Asked) -> Answer:
    """`sinfo` with -h, -N, -R, -o FORMAT, -n NODES, -p PARTITIONS, -t STATES; `argv` without the program's name."""
    long = ["noheader", "Node", "list-reasons", "format=", "nodes=", "partition=", "states="]
    options = _options("sinfo", argv, "hNRo:n:p:t:", long)
    if isinstance(options, Answer):
        return options
    is_by_node, is_reasons = bool({"-N", "--Node"} & set(options)), bool({"-R", "--list-reasons"} & set(options))
    default = "%20E %9u %19H %N" if is_reasons else "%9N %.6D %.9P %6t" if is_by_node else "%9P %.5a %.10l %.6D %.6t %N"
    template = options.get("-o", options.get("--format", default))
    names, partitions = options.get("-n", options.get("--nodes")), options.get("-p", options.get("--partition"))
    hosts = [
        host
        for host in asked.slurm.layout.hosts
        if (names is None or host.name in unfolded(names))
        and (partitions is None or asked.slurm.partition_of(host) in partitions.split(","))
        and (not is_reasons or asked.slurm.drain_of(host) is not None)
        and _has_state(host, options.get("-t", options.get("--states")), asked)
    ]
    rows: dict[tuple[str | int, ...], list[SimulatedHost]] = {}
    letters = [letter for _, _, letter in _FIELD.findall(template)]
    for host in hosts:
        shared = tuple(_node_field(letter, [host], asked) for letter in letters if letter not in "NnD")
        rows.setdefault((host.index, *shared) if is_by_node else shared, []).append(host)
    groups = list(rows.values())
    if not is_by_node:
        groups.sort(key=lambda group: _order(group[0], asked))
    lines = [] if {"-h", "--noheader"} & set(options) else [_fill(template, lambda letter: _NODE_HEADS.get(letter, ""))]
    lines += [_fill(template, lambda letter, group=group: _node_field(letter, group, asked)) for group in groups]  # type: ignore[misc]
    return printed(lines)


_NODE_HEADS: Final = {
    "N": "NODELIST", "n": "HOSTNAMES", "D": "NODES", "P": "PARTITION", "R": "PARTITION", "a": "AVAIL", "l": "TIMELIMIT",
    "t": "STATE", "T": "STATE", "E": "REASON", "u": "USER", "H": "TIMESTAMP", "c": "CPUS", "m": "MEMORY", "G": "GRES",
    "f": "AVAIL_FEATURES",
}  # fmt: skip


def _has_state(host: SimulatedHost, wanted: str | None, asked: Asked) -> bool:
    """Whether a node has one of the states named; "drain" means those that still drain, too."""
    state = asked.slurm.state(host, asked.t_unix_s, asked.is_up)
    has = {state.bare, state.long.rstrip("*@^")} | ({"drain"} if state.is_drained else set())
    return wanted is None or bool(has & {word.lower() for word in wanted.split(",")})


def _order(host: SimulatedHost, asked: Asked) -> tuple[str, int]:
    return asked.slurm.partition_of(host), _STATE_ORDER.index(asked.slurm.state(host, asked.t_unix_s, asked.is_up).bare)


def _node_field(letter: str, group: list[SimulatedHost], asked: Asked) -> str:
    host = group[0]
    state, drain = asked.slurm.state(host, asked.t_unix_s, asked.is_up), asked.slurm.drain_of(host)
    partition = asked.slurm.partition_of(host)
    fields = {
        "N": folded([host.name for host in group]),
        "n": host.name,
        "D": str(len(group)),
        "P": partition + "*" * (partition == DEFAULT_PARTITION),
        "R": partition,
        "a": "up",
        "l": "infinite",
        "t": state.short,
        "T": state.long,
        "E": drain.reason if drain else "none",
        "u": drain.user if drain else "Unknown",
        "H": stamp(drain.t_unix_s) if drain else "Unknown",
        "c": str(CPU_COUNT),
        "m": str(MEMORY_MB),
        "G": f"gpu:h100:{asked.slurm.layout.gpus}",
        "f": "h100",
    }
    return fields.get(letter, "")


def squeue(argv: list[str], asked: Asked) -> Answer:
    """`squeue` with -h, -w NODES, -o FORMAT, -j JOBS, -u USERS; `argv` without the program's name."""
    options = _options("squeue", argv, "hw:o:j:u:", ["noheader", "nodelist=", "format=", "jobs=", "user="])
    if isinstance(options, Answer):
        return options
    jobs = asked.slurm.jobs(asked.t_unix_s)
    names = options.get("-w", options.get("--nodelist"))
    if names is not None:
        wanted = set(unfolded(names))
        unknown = sorted(name for name in wanted if asked.slurm.layout.host(name) is None)
        if unknown:
            return failed(1, f"squeue: error: Invalid node name {unknown[0]}")
        jobs = [job for job in jobs if wanted & {host.name for host in job.hosts}]
    numbers, users = options.get("-j", options.get("--jobs")), options.get("-u", options.get("--user"))
    if numbers is not None:
        jobs = [job for job in jobs if str(job.number) in numbers.split(",")]
        if not jobs:
            return failed(1, "slurm_load_jobs error: Invalid job id specified")
    if users is not None:
        jobs = [job for job in jobs if job.user in users.split(",")]
    default = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
    template = options.get("-o", options.get("--format", default))
    lines = [] if {"-h", "--noheader"} & set(options) else [_fill(template, lambda letter: _JOB_HEADS.get(letter, ""))]
    lines += [_fill(template, lambda letter, job=job: _job_field(letter, job, asked)) for job in jobs]  # type: ignore[misc]
    return printed(lines)


_JOB_HEADS: Final = {
    "i": "JOBID", "A": "JOBID", "P": "PARTITION", "j": "NAME", "u": "USER", "t": "ST", "T": "STATE", "M": "TIME",
    "D": "NODES", "R": "NODELIST(REASON)", "N": "NODELIST", "S": "START_TIME", "l": "TIME_LIMIT", "C": "CPUS",
    "L": "TIME_LEFT", "a": "ACCOUNT",
}  # fmt: skip


def _job_field(letter: str, job: Job, asked: Asked) -> str:
    nodes = folded([host.name for host in job.hosts])
    fields = {
        "i": str(job.number),
        "A": str(job.number),
        "P": job.partition,
        "j": job.name,
        "u": job.user,
        "t": "R",
        "T": "RUNNING",
        "M": elapsed(asked.t_unix_s - job.started_unix_s),
        "D": str(len(job.hosts)),
        "R": nodes,
        "N": nodes,
        "S": stamp(job.started_unix_s),
        "l": "UNLIMITED",
        "L": "UNLIMITED",
        "a": "research",
        "C": str(job.cpus * len(job.hosts)),
    }
    return fields.get(letter, "")


def _fill(template: str, value: Callable[[str], str]) -> str:
    """Replace the fields of a Slurm format: `%[.][width]letter`, a dot aligns right, a width pads and cuts."""

    def one(match: re.Match[str]) -> str:
        text, width = value(match[3]), int(match[2] or 0)
        text = text[:width] if width else text
        return text.rjust(width) if match[1] else text.ljust(width)

    return _FIELD.sub(one, template)


def _options(program: str, argv: list[str], short: str, long: list[str]) -> dict[str, str] | Answer:
    try:
        options, _ = getopt.gnu_getopt(argv, short, long)
    except getopt.GetoptError as error:
        option = f"unrecognized option '--{error.opt}'" if len(error.opt) > 1 else f"invalid option -- '{error.opt}'"
        return failed(1, f'{program}: {option}\nTry "{program} --help" for more information')
    return dict(options)
