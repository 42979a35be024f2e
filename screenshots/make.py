"""Makes every picture in this folder from the demo: `python screenshots/make.py [NAME …]`.

Needs rsvg-convert and a monospaced font (Debian: librsvg2-bin, fonts-dejavu). The demo runs in a process of its own,
the app without a terminal; it takes about seven minutes in all.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from leptontui.config.choose import choose_fleet
from leptontui.demo.spawn import spawn_demo
from leptontui.engine.thread import EngineThread, Watch
from leptontui.engine.threaded_ports import ThreadedAlerts, ThreadedCommands
from leptontui.model.target import Fleet
from leptontui.ui.app import LeptonApp
from leptontui.wiring.options import AlertUse, WatchOptions

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """One picture: its size in cells, theme, and the keys pressed before it is taken; "wait:3" waits for seconds."""

    name: str
    width: int
    height: int
    keys: tuple[str, ...] = ()
    theme: str = "lepton-dark"
    is_wallboard: bool = False
    settle_s: float = 14.0


PICTURES = (
    Picture("fleet", 140, 40, settle_s=68.0),
    Picture("triage", 140, 40, keys=("t",), settle_s=130.0),
    Picture("fleet-small", 80, 24),
    Picture("fleet-light", 140, 40, theme="lepton-light"),
    Picture("host", 140, 48, keys=("slash", *"temp>72", "enter", "enter")),
    Picture("inspect", 140, 44, keys=("slash", *"sev:critical", "enter", "i")),
    Picture("jobs", 120, 24, keys=("j",)),
    Picture("drain", 120, 36, keys=("down", "A", "d")),
    Picture("actions", 120, 36, keys=("down", "x")),
    Picture(
        "rollout",
        120,
        30,
        keys=("g", "slash", *"gpu-00", "enter", "A", "asterisk", "r", "wait:2", "enter", "wait:8", "9", "enter"),
        settle_s=70.0,
    ),
    Picture("wallboard", 160, 48, is_wallboard=True),
)


async def take(picture: Picture, fleet: Fleet) -> None:
    """Run the app, press the keys, and save what it shows as PNG."""

    def build() -> Watch:
        from leptontui.wiring.watch import FleetWatch  # noqa: PLC0415 — on the engine's thread, as the program does

        return FleetWatch(
            fleet,
            interval_s=1.0,
            can_act=not picture.is_wallboard,
            has_forecasts=True,
            options=WatchOptions(keeps_learned=False),
            alert_use=AlertUse.LOOK if picture.is_wallboard else AlertUse.FULL,
        )

    thread = EngineThread(build, print)
    commands = None if picture.is_wallboard else ThreadedCommands(thread)
    alerts = None if picture.is_wallboard else ThreadedAlerts(thread)
    app = LeptonApp(
        thread, commands, alerts=alerts, fleet=fleet, theme=picture.theme, is_wallboard=picture.is_wallboard
    )
    app.call_after_first_paint(thread.start)
    async with app.run_test(size=(picture.width, picture.height)) as pilot:
        await asyncio.sleep(picture.settle_s)
        for key in picture.keys:
            if key.startswith("wait:"):
                await asyncio.sleep(float(key.removeprefix("wait:")))
                continue
            await pilot.press(key)
            await asyncio.sleep(0.3)
        await asyncio.sleep(picture.settle_s / 2 if picture.keys else 0)
        svg = app.export_screenshot(title="leptontui")
    thread.stop()
    await asyncio.to_thread(save, svg, HERE / f"{picture.name}.png")
    print(picture.name)


def save(svg: str, target: Path) -> None:
    """Turn a picture into PNG with a font that is at hand."""
    with tempfile.NamedTemporaryFile("w", suffix=".svg") as file:
        file.write(svg.replace("Fira Code", "DejaVu Sans Mono").replace("<text ", '<text xml:space="preserve" '))
        file.flush()
        subprocess.run(["rsvg-convert", "--width", "1600", "-o", target, file.name], check=True)


async def main(names: list[str]) -> None:
    """Start the demo and take the pictures, the first when most kinds of its incidents have begun."""
    with spawn_demo(hosts=24, gpus=8) as demo:
        fleet = choose_fleet(hosts=None, inventory=demo.inventory)
        for picture in PICTURES:
            if not names or picture.name in names:
                await take(picture, fleet)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
