"""The demo: a simulated fleet in a process of its own, and the ordinary screen on it."""

from __future__ import annotations

from leptontui.demo.spawn import spawn_demo
from leptontui.wiring.options import WatchOptions


def show_demo(*, hosts: int, gpus: int, theme: str | None, can_act: bool, options: WatchOptions) -> int:
    """Serve a simulated fleet and show it until the user leaves.

    Args:
        hosts: how many hosts.
        gpus: GPUs in each.
        theme: name of a theme; None for the default.
        can_act: whether there is a command port.
        options: how it is watched.

    Returns:
        The exit code.
    """
    with spawn_demo(hosts=hosts, gpus=gpus, meanwhile=_load_screen) as demo:
        from leptontui.config.choose import choose_fleet
        from leptontui.wiring.screen import show

        fleet = choose_fleet(hosts=None, inventory=demo.inventory)
        return show(fleet, interval_s=1.0, theme=theme, is_wallboard=False, can_act=can_act, options=options)


def _load_screen() -> None:
    """Load what takes longest, on this core, while the simulated fleet starts on another."""
    import leptontui.config.choose
    import leptontui.wiring.screen  # noqa: F401
