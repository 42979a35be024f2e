"""A bare app to put one screen on: our theme, nothing else; and a host with everything a host screen shows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from fleets import GIB, T0, chart_of, forecast_of, gpu_key, gpu_row, gpu_uuid, host_row, make_snapshot
from textual.app import App
from textual.message import Message
from textual.screen import Screen

from leptontui.model.health import HostEvent, Severity
from leptontui.model.series import Entity, Eta, ForecastTrack, SeriesKey
from leptontui.snapshot import FleetSnapshot
from leptontui.ui import themes
from leptontui.ui.messages import ActionAsked, OrderPlaced
from leptontui.view.orders import Order


class Stage(App[None]):
    """Shows one screen; remembers what it returned and the actions it asked for."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.shown = screen
        self.results: list[object] = []
        self.asked: list[ActionAsked] = []
        self.orders: list[Order] = []
        for palette in themes.shipped().palettes.values():
            self.register_theme(themes.textual_theme(palette))
        self.theme = themes.DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    async def on_mount(self) -> None:
        await self.push_screen(self.shown, self.results.append)

    def on_action_asked(self, message: Message) -> None:
        assert isinstance(message, ActionAsked)
        self.asked.append(message)

    def on_order_placed(self, message: Message) -> None:
        assert isinstance(message, OrderPlaced)
        self.orders.append(message.order)


HOST = "gpu-023"
HOT = 6


def history(n: int = 180) -> list[float]:
    """Half an hour of a GPU's temperature: even, then climbing towards 84 °C."""
    return [
        62 + 21.6 / (1 + math.exp(-(i - 120) / 16)) + 0.6 * math.sin(i / 4) + 0.3 * math.sin(i / 1.7) for i in range(n)
    ]


def host_fleet(*, gpus: int = 8, **over: Any) -> FleetSnapshot:
    """gpu-023, its GPU 6 predicted to reach 87 °C, with filesystems, disks, network, processes and an event.

    `over` replaces fields of the snapshot; `host=` columns of the host's row.
    """
    host = host_row(HOST, gpu_count=gpus, severity=int(Severity.PREDICTED), health="GPU 6: 87 °C in 11 min (7–14)")
    host |= over.pop("host", {})
    rows = [gpu_row(HOST, i) for i in range(gpus)]
    hot = gpu_key(HOST, HOT, "temp_c")
    if gpus > HOT:
        rows[HOT] |= {
            "temp_c": 83.6,
            "clock_sm_mhz": 1410.0,
            "severity": int(Severity.PREDICTED),
            "health": "87 °C in 11 min (7–14)",
            "throttle_reasons": 0x20,
        }
        rows[2] |= {"ecc_corrected": 12}
    eta = Eta(87.0, T0 + 660, T0 + 420, T0 + 840)
    future = replace(
        forecast_of(hot, lambda i: 83.6 + 4.4 * (1 - math.exp(-i / 45)), spread=0.22, eta=eta),
        model="damped ETS 61 %, Theta 39 %",
        track=ForecastTrack(90, 1204, 0.79, 0.94, 0.83),
    )
    full = SeriesKey(HOST, Entity.FILESYSTEM, "/scratch", "used_bytes")
    fields: dict[str, Any] = {
        "charts": {
            hot: chart_of(hot, history()),
            full: chart_of(full, [26_100 * GIB - (179 - i) * 1e9 for i in range(180)]),
        },
        "forecasts": {hot: future},
        "filesystems": [
            {"host": HOST, "mount": "/", "total_bytes": 1760 * GIB, "used_bytes": 700 * GIB, "is_readonly": False},
            {"host": HOST, "mount": "/scratch", "total_bytes": 28_000 * GIB, "used_bytes": 26_100 * GIB},
            {"host": HOST, "mount": "/boot/efi", "total_bytes": GIB, "used_bytes": GIB // 100},
        ],
        "disks": [
            {
                "host": HOST,
                "device": f"nvme{i}n1",
                "read_bytes_per_s": 210e6 * i,
                "write_bytes_per_s": 31e6 * i,
                "busy_pct": 22.0 * i,
            }
            for i in range(3)
        ],
        "nics": [
            {
                "host": HOST,
                "nic": "eno1",
                "is_up": True,
                "rx_bytes_per_s": 1.2e6,
                "tx_bytes_per_s": 0.4e6,
                "rx_errors_per_s": 0.0,
                "tx_errors_per_s": 0.0,
            },
            {
                "host": HOST,
                "nic": "ib0",
                "is_up": True,
                "rx_bytes_per_s": 19.2e9,
                "tx_bytes_per_s": 20.1e9,
                "rx_errors_per_s": 0.0,
                "tx_errors_per_s": 0.0,
                "rx_dropped_per_s": 3.0,
            },
            {"host": HOST, "nic": "ib1", "is_up": False},
        ],
        "processes": [
            {
                "host": HOST,
                "uuid": gpu_uuid(HOST, i),
                "pid": 41230 + i,
                "user": "anna",
                "job": "8812",
                "memory_used_bytes": 74 * GIB,
                "command": "python -m train --config llama-70b.yaml --rank " + str(i),
            }
            for i in range(gpus)
        ],
        "events": (
            HostEvent(
                HOST, T0 - 5400, "xid", gpu_uuid(HOST, 2), 94, "NVRM: Xid (PCI:0000:3b:00): 94, pid=41232, Contained"
            ),
            HostEvent(HOST, T0 - 610, "oom-kill", None, None, "Out of memory: Killed process 9911 (dataloader)"),
        ),
        "unavailable": {HOST: ("fan: not supported on this board", "InfiniBand counters: no permission")},
    }
    return make_snapshot([host], rows if gpus else [], **(fields | over))
