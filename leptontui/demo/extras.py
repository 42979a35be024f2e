"""What a simulated host says besides the ordinary: details of GPUs, tasks, power, fabric, units and services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from leptontui import wire
from leptontui.demo import physics
from leptontui.demo.layout import GPU_MEMORY_BYTES, HOST_MEMORY_BYTES, Role, SimulatedHost
from leptontui.demo.units import VLLM, UnitState

DETAILS_EVERY_S: Final = 5
"""Each GPU's details are said once in so many seconds, one GPU after the other."""
WORN_EVERY: Final = 4
"""One idle host in so many has a GPU whose rows were remapped."""
NVLINKS: Final = 18
"""Of an H100 in an HGX board."""
BANKS: Final = 640
"""Memory banks that the row remapper of an H100 counts."""
IB_PORTS: Final = 8
IB_GBIT: Final = 400.0
HUGE_PAGES_BYTES: Final = HOST_MEMORY_BYTES // 64
"""What is set aside as huge pages."""
_USED: Final = physics.GPU_COLUMNS.index("memory_used_bytes")
_POWER: Final = physics.GPU_COLUMNS.index("power_w")
_UTIL: Final = physics.GPU_COLUMNS.index("util_pct")
_MEAN_W: Final = 480.0


def details(
    host: SimulatedHost, row: dict[str, float], present: Sequence[bool], *, t_unix_s: float, uptime_s: float
) -> Iterator[wire.GpuDetails]:
    """What is said of some GPUs now; of each once in `DETAILS_EVERY_S`. One of an idle host waits for a reset."""
    gpus = len(host.gpu_uuids)
    for index, uuid in enumerate(host.gpu_uuids):
        if not present[index] or (int(t_unix_s) + index) % DETAILS_EVERY_S:
            continue
        is_worn = host.role is Role.IDLE and host.index % WORN_EVERY == 0 and index == 1
        yield wire.GpuDetails(
            uuid,
            energy_j=round(uptime_s * _MEAN_W),
            ecc_sram_corrected=0,
            ecc_sram_uncorrected=0,
            ecc_dram_corrected=0,
            ecc_dram_uncorrected=0,
            ecc_sram_uncorrected_aggregate=0,
            ecc_dram_uncorrected_aggregate=int(is_worn),
            is_ecc_sram_over_threshold=False,
            remapped_correctable=0,
            remapped_uncorrectable=int(is_worn),
            is_remap_pending=is_worn,
            is_remap_failed=False,
            remap_banks_max=BANKS - int(is_worn),
            remap_banks_high=int(is_worn),
            remap_banks_partial=0,
            remap_banks_low=0,
            remap_banks_none=0,
            nvlinks_active=NVLINKS,
            nvlinks_inactive=0,
            nvlink_crc_errors=0,
            nvlink_replay_errors=0,
            nvlink_recovery_errors=0,
            nvlink_rx_bytes=int(row["fabric_rx_bytes"] * NVLINKS / gpus),
            nvlink_tx_bytes=int(row["fabric_tx_bytes"] * NVLINKS / gpus),
            fabric_state="completed",
            fabric_status="success",
            recovery_action="reset" if is_worn else "none",
            is_persistent=True,
            is_ecc_enabled=True,
            is_ecc_change_pending=False,
            is_mig_enabled=False,
            is_mig_change_pending=False,
            is_inforom_valid=True,
        )


def tasks(host: SimulatedHost, row: dict[str, float]) -> wire.Tasks:
    """Processes and threads."""
    return wire.Tasks(
        total=1_900 + 31 * (host.index % 7),
        running=max(1, round(row["load1"])),
        blocked=round(row["cpu_iowait_pct"] / 4.0),
        driver_blocked=0,
        zombies=host.index % 3,
        pids_max=4_194_304,
        fds_used=14_000 + 97 * host.index,
        fds_max=9_223_372_036_854_775_807,
    )


def power(row: dict[str, float], gpus: Sequence[Sequence[float]]) -> wire.Power:
    """The host's draw: its GPUs, its processors, fans and the rest."""
    drawn = sum(values[_POWER] for values in gpus)
    return wire.Power(round(drawn + 900.0 + 6.0 * row["cpu_util_pct"], 1), "ipmi")


def ib_ports(row: dict[str, float]) -> tuple[wire.IbPort, ...]:
    """The ports to the fabric, one per GPU of an HGX board."""
    received, sent = int(row["fabric_rx_bytes"]) // IB_PORTS, int(row["fabric_tx_bytes"]) // IB_PORTS
    return tuple(
        wire.IbPort(
            f"mlx5_{number}/1",
            state="active",
            phys_state="linkup",
            layer="InfiniBand",
            rate_gbit=IB_GBIT,
            rx_bytes=received,
            tx_bytes=sent,
            link_downed=0,
            link_recoveries=0,
            symbol_errors=0,
            rx_errors=0,
        )
        for number in range(IB_PORTS)
    )


def units(states: Sequence[UnitState], t_unix_s: float) -> tuple[wire.Unit, ...]:
    """The units that matter."""
    return tuple(
        wire.Unit(
            state.file.name,
            active=state.state(t_unix_s)[0],
            sub=state.state(t_unix_s)[1],
            main_pid=state.main_pid if state.stopped_unix_s is None else None,
            restarts=0,
            since_s=round(max(0.0, t_unix_s - state.entered_unix_s), 1),
        )
        for state in states
        if state.file.name != "ssh.service"
    )


def services(host: SimulatedHost, states: Sequence[UnitState], t_unix_s: float) -> tuple[wire.Service, ...]:
    """The inference server's health endpoint."""
    server = next((state for state in states if state.file.name == VLLM), None)
    if host.role is not Role.INFER or server is None:
        return ()
    if not server.is_active(t_unix_s):
        return (wire.Service("vllm", is_healthy=False, why="connection refused"),)
    return (wire.Service("vllm", is_healthy=True, status=200, latency_s=0.003 + 0.001 * (host.index % 4)),)


def samples(
    host: SimulatedHost, gpus: Sequence[Sequence[float]], healthy: tuple[wire.Service, ...]
) -> tuple[wire.Sample, ...]:
    """What the inference server's metrics page says, in step with its GPUs."""
    if not healthy or not healthy[0].is_healthy:
        return ()
    util = sum(values[_UTIL] for values in gpus) / len(gpus)
    used = sum(values[_USED] for values in gpus) / len(gpus) / GPU_MEMORY_BYTES
    running = round(util / 2.0)
    waiting = max(0, round(util) - 70)
    first_token_s = 0.09 + 0.02 * waiting
    found = (
        ("vllm:num_requests_running", float(running), "", "gauge"),
        ("vllm:num_requests_waiting", float(waiting), "", "gauge"),
        ("vllm:kv_cache_usage_perc", round(min(1.0, used), 4), "", "gauge"),
        ('vllm:time_to_first_token_seconds{quantile="0.5"}', round(first_token_s, 4), "s", "gauge"),
        ('vllm:time_to_first_token_seconds{quantile="0.95"}', round(2.4 * first_token_s, 4), "s", "gauge"),
        ("vllm:request_success", round(running / 4.0 + host.index % 3, 2), "/s", "counter"),
    )
    return tuple(wire.Sample("vllm", series, value, unit or None, kind) for series, value, unit, kind in found)
