"""scontrol of the simulated fleet: arguments in, Slurm's own text and exit status out.

Formats, messages and exit statuses were taken down from Slurm 22.05.
"""

from __future__ import annotations

from typing import Final

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.layout import CPU_COUNT, HOST_MEMORY_BYTES, SimulatedHost, folded, unfolded
from leptontui.demo.readings import KERNEL
from leptontui.demo.slurm import Asked, elapsed, stamp

VERSION: Final = "22.05.8"
MEMORY_MB: Final = HOST_MEMORY_BYTES >> 20
_STATES: Final = "Valid states are: NoResp DRAIN FAIL FUTURE RESUME POWER_DOWN POWER_UP UNDRAIN"


def scontrol(argv: list[str], asked: Asked) -> Answer:  # noqa: PLR0911 — one return for each keyword
    """`scontrol show node|job|config`, `update nodename=…`, `reboot`, `cancel_reboot`, `ping`.

    `argv` is without the program's name.
    """
    words = [word for word in argv if word not in {"-o", "--oneliner"}]
    is_oneliner = len(words) != len(argv)
    match [word.lower() for word in words[:2]]:
        case ["ping"]:
            return printed(["Slurmctld(primary) at login1 is UP"])
        case ["show"]:
            return failed(1, "too few arguments for keyword:show")
        case ["show", "node" | "nodes"]:
            return _show_nodes(words[2] if len(words) > 2 else None, asked, is_oneliner=is_oneliner)  # noqa: PLR2004 — the third word
        case ["show", "job" | "jobs"]:
            return _show_jobs(words[2] if len(words) > 2 else None, asked)  # noqa: PLR2004 — the third word
        case ["show", "config"]:
            return _show_config(asked)
        case ["show", entity]:
            return failed(1, f"invalid entity:{entity} for keyword:show ")
        case ["update", *_]:
            return _update(words[1:], asked)
        case ["reboot", *_]:
            return _reboot(words[1:], asked)
        case ["cancel_reboot", *_]:
            return _cancel_reboot(words[1:], asked)
        case [keyword, *_]:
            return failed(1, f"invalid keyword: {keyword}")
        case _:
            return Answer(stdout="scontrol: \n")


def _show_nodes(names: str | None, asked: Asked, *, is_oneliner: bool) -> Answer:
    wanted = [host.name for host in asked.slurm.layout.hosts] if names is None else unfolded(names)
    out, is_missing = "", False
    for name in wanted:
        host = asked.slurm.layout.host(name)
        if host is None:
            out, is_missing = out + f"Node {name} not found\n", True
            continue
        lines = _node(host, asked)
        out += " ".join(lines) + "\n" if is_oneliner else "\n   ".join(lines) + "\n\n"
    return Answer(1 if is_missing else 0, out)


def _node(host: SimulatedHost, asked: Asked) -> list[str]:
    slurm, gpus = asked.slurm, asked.slurm.layout.gpus
    state, drain = slurm.state(host, asked.t_unix_s, asked.is_up), slurm.drain_of(host)
    jobs = slurm.jobs_on(host, asked.t_unix_s)
    cpus, used_gpus = sum(job.cpus for job in jobs), sum(job.gpus for job in jobs)
    allocated = MEMORY_MB * cpus // CPU_COUNT
    boot = stamp(asked.boot_unix_s(host)) if state.is_responding else "None"
    used = f"cpu={cpus},mem={allocated}M" + (f",gres/gpu={used_gpus}" if used_gpus else "") if cpus else ""
    lines = [
        f"NodeName={host.name} Arch=x86_64 CoresPerSocket={CPU_COUNT // 2} ",
        f"CPUAlloc={cpus} CPUEfctv={CPU_COUNT} CPUTot={CPU_COUNT} CPULoad={0.2 * cpus + 0.4:.2f}",
        "AvailableFeatures=h100",
        "ActiveFeatures=h100",
        f"Gres=gpu:h100:{gpus}",
        f"NodeAddr={host.name} NodeHostName={host.name} Version={VERSION}",
        f"OS=Linux {KERNEL} #85-Ubuntu SMP PREEMPT_DYNAMIC ",
        f"RealMemory={MEMORY_MB} AllocMem={allocated} FreeMem={MEMORY_MB - allocated // 2} Sockets=2 Boards=1",
        f"State={state.flags} ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A",
        f"Partitions={slurm.partition_of(host)} ",
        f"BootTime={boot} SlurmdStartTime={stamp(asked.boot_unix_s(host) + 6.0)}",
        f"LastBusyTime={stamp(asked.t_unix_s if cpus else slurm.started_unix_s)}",
        f"CfgTRES=cpu={CPU_COUNT},mem={MEMORY_MB}M,billing={CPU_COUNT},gres/gpu={gpus}",
        f"AllocTRES={used}",
        "CapWatts=n/a",
        "CurrentWatts=0 AveWatts=0",
        "ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s",
    ]
    return lines + ([f"Reason={drain.reason} [{drain.user}@{stamp(drain.t_unix_s)}]"] if drain else [])


def _show_jobs(number: str | None, asked: Asked) -> Answer:
    jobs = [job for job in asked.slurm.jobs(asked.t_unix_s) if number in {None, str(job.number)}]
    if not jobs:
        return failed(1, "slurm_load_jobs error: Invalid job id specified")
    out = ""
    for job in jobs:
        out += (
            f"JobId={job.number} JobName={job.name}\n"
            f"   UserId={job.user}(2001) GroupId={job.user}(2001) MCS_label=N/A\n"
            f"   JobState=RUNNING Reason=None Dependency=(null)\n"
            f"   RunTime={elapsed(asked.t_unix_s - job.started_unix_s)} TimeLimit=UNLIMITED TimeMin=N/A\n"
            f"   StartTime={stamp(job.started_unix_s)} EndTime=Unknown Deadline=N/A\n"
            f"   Partition={job.partition} AllocNode:Sid=login1:4242\n"
            f"   NodeList={folded([host.name for host in job.hosts])}\n"
            f"   NumNodes={len(job.hosts)} NumCPUs={job.cpus * len(job.hosts)}\n\n"
        )
    return Answer(stdout=out)


def _unquoted(value: str) -> str:
    """`value` without the quotes around it, if it begins with one, as scontrol reads it."""
    return value[1:].removesuffix(value[0]) if value[:1] in {"'", '"'} else value


def _update(words: list[str], asked: Asked) -> Answer:  # noqa: PLR0911 — one return for each fault
    given = {key.lower(): _unquoted(value) for key, _, value in (word.partition("=") for word in words)}
    unknown = [word for word in words if word.partition("=")[0].lower() not in {"nodename", "state", "reason"}]
    if unknown:
        return failed(1, f"Update of this parameter is not supported: {unknown[0]}\nRequest aborted")
    if "nodename" not in given:
        return failed(1, 'No valid entity in update command\nInput line must include "NodeName"')
    state = given.get("state", "").upper()
    if state not in {"", "DRAIN", "RESUME", "UNDRAIN"}:
        prior = "Not all states are valid given a node's prior state"
        return failed(1, f"Invalid input: state={given['state']}\nRequest aborted\n{_STATES}\n{prior}")
    if state == "DRAIN" and not given.get("reason"):
        return failed(1, "You must specify a reason when DOWNING or DRAINING a node. Request denied")
    if not asked.login.is_operator:
        return failed(1, "slurm_update error: Invalid user id")
    hosts = [asked.slurm.layout.host(name) for name in unfolded(given["nodename"])]
    for host in hosts:
        if host is None:
            return failed(1, "slurm_update error: Invalid node name specified")
        drain = asked.slurm.drain_of(host)
        if state == "DRAIN" or (not state and drain and given.get("reason")):
            asked.slurm.drain(host, reason=given["reason"], user=asked.login.user, t_unix_s=asked.t_unix_s)
        elif state and not asked.slurm.undrain(host, asked.t_unix_s) and state == "RESUME":
            return failed(1, "slurm_update error: Invalid node state specified")
    return Answer()


def _show_config(asked: Asked) -> Answer:
    return printed(
        [
            f"Configuration data as of {stamp(asked.t_unix_s)}",
            "ClusterName             = demo",
            "RebootProgram           = /usr/sbin/reboot",
            "ResumeTimeout           = 600 sec",
            "SelectType              = select/cons_tres",
            "SlurmctldHost[0]        = login1",
            f"SLURM_VERSION           = {VERSION}",
            "",
            "Slurmctld(primary) at login1 is UP",
        ]
    )


def _reboot(words: list[str], asked: Asked) -> Answer:
    """`scontrol reboot [ASAP] [nextstate=RESUME|DOWN] [reason=REASON] NODES`, options in any order before the nodes."""
    is_asap, options, names = False, {"nextstate": "", "reason": ""}, ""
    for word in words:
        key, equals, value = word.partition("=")
        if word.upper() == "ASAP":
            is_asap = True
        elif equals and key.lower() in options:
            options[key.lower()] = _unquoted(value)
        else:
            names = word
    if options["nextstate"].upper() not in {"", "RESUME", "DOWN"}:
        return failed(1, f"Invalid nextstate: {options['nextstate']}")
    if not names:
        return failed(1, "missing node list")
    if not asked.login.is_operator:
        return failed(1, "slurm_reboot_nodes error: Invalid user id")
    hosts = [asked.slurm.layout.host(name) for name in unfolded(names)]
    for host in hosts:
        if host is None:
            return failed(1, "slurm_reboot_nodes error: Invalid node name specified")
        asked.slurm.ask_reboot(
            host,
            is_asap=is_asap,
            resumes=options["nextstate"].upper() == "RESUME",
            reason=options["reason"],
            user=asked.login.user,
            t_unix_s=asked.t_unix_s,
        )
    return Answer()


def _cancel_reboot(words: list[str], asked: Asked) -> Answer:
    if not words:
        return failed(1, "missing node list")
    if not asked.login.is_operator:
        return failed(1, "slurm_update error: Invalid user id")
    hosts = [asked.slurm.layout.host(name) for name in unfolded(words[0])]
    for host in hosts:
        if host is None:
            return failed(1, "slurm_update error: Invalid node name specified")
        if not asked.slurm.cancel_reboot(host):
            return failed(1, "slurm_update error: Invalid node state specified")
    return Answer()
