"""The office: one port for single actions, rollouts and runbooks."""

from leptontui.actions.office import Office
from leptontui.ports import CommandPort
from tests.unit.actions.actions_scene import Scene


def test_the_office_is_a_command_port(scene: Scene) -> None:
    port: CommandPort = Office(scene.desk)
    assert port.armed_until_unix_s is None
    assert {spec.name for spec in port.specs} >= {"restart", "drain", "undrain"}
