"""What the command line says of an order before any host is waited for."""

import pytest

from leptontui.cli import main


@pytest.mark.parametrize("why", ["x", "........", "it burns"])
def test_a_reason_that_says_nothing_sets_no_rule_aside(why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["act", "drain", "gpu-017", "--reason", "Xid 79", "--override", why, "--dry-run"])
    assert ended.value.code == 3
    assert "say in some words why, in 8 letters at least" in capsys.readouterr().err
