"""A path in the home of nobody is a fault in words, whichever setting it is in."""

from pathlib import Path

import pytest

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.route import Atlas

NOWHERE = "~no-such-user-here/file"


@pytest.mark.parametrize(
    "setting", ["identity", "known_hosts", "ssh_config", "IdentityFile", "UserKnownHostsFile", "Include"]
)
def test_a_home_of_nobody_is_told(setting: str, tmp_path: Path) -> None:
    if setting[0].islower():
        target = HostTarget("a", **{setting: NOWHERE})
    else:
        config = tmp_path / "config"
        config.write_text(f"{setting} {NOWHERE}\n")
        target = HostTarget("a", ssh_config=str(config))
    atlas = Atlas(connect_timeout_s=1.0, keepalive_interval_s=1.0, keepalive_count=1)
    try:
        with pytest.raises(LinkError) as refused:
            atlas.route(target)
    finally:
        atlas.close()
    assert refused.value.fault.kind is FaultKind.CONFIG
    assert "~" in refused.value.fault.cause
