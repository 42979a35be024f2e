"""`leptontui rules` and `leptontui alerts replay`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from leptontui.cli import main

MINE = """
[[rule]]
name = "mine"
entity = "gpu"
severity = "note"
when = "temp > 80"
summary = "{host}"
"""
SERIES = """
[[rule]]
name = "high"
entity = "series"
severity = "ticket"
when = "mem_pct >= 90"
clear = "mem_pct < 80"
for = "1m"
summary = "{series}: {mem_pct:.0f} %"

[[rule]]
name = "ahead"
entity = "series"
severity = "note"
when = "forecast(mem_pct, '15m', 0.5) >= 90 AND mem_pct < 90"
summary = "{series}: 90 in {eta}"
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def recording(path: Path, values: dict[str, np.ndarray], metric: str = "mem_pct") -> str:
    frames = [
        pl.DataFrame(
            {"series": [name] * len(of), "metric": [metric] * len(of), "ts": 60.0 * np.arange(len(of)), "value": of}
        )
        for name, of in values.items()
    ]
    pl.concat(frames).write_parquet(path)
    return str(path)


def test_no_file_of_ones_own_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check"]) == 0
    assert "no file of your own" in capsys.readouterr().out


def test_a_mistake_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "rules.toml", MINE)
    assert main(["rules", "check", file]) == 3
    assert f'{file}:6: rule mine: when: gpu has no column temp; did you mean "temp_c"?' in capsys.readouterr().err
    assert main(["rules", "check", file, "--json"]) == 3
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert (problem["line"], problem["key"]) == (6, "rule mine: when")


def test_rules_for_series_are_checked_without_the_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", written(tmp_path / "rules.toml", SERIES)]) == 0
    assert "2 own" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(tmp_path / "none.toml")]) == 3
    assert "is not there" in capsys.readouterr().err
    assert main(["rules", "test", str(tmp_path / "none.toml")]) == 3
    assert "none.toml" in capsys.readouterr().err


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list"]) == 0
    assert "gpu-too-hot" in capsys.readouterr().out
    assert main(["rules", "list", "--json"]) == 0
    rules = {rule["name"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    assert rules["gpu-too-hot"]["severity"] == "page"
    assert rules["gpu-memory-ahead"]["is_predictive"]


def test_the_users_rules_are_found_where_they_belong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "config" / "leptontui"
    folder.mkdir(parents=True)
    written(folder / "rules.toml", "[override.gpu-warm]\ndisabled = true\n")
    assert main(["rules", "list"]) == 0
    assert "turned off: gpu-warm" in capsys.readouterr().out


def test_a_scenario_that_fails_is_shown_as_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = """
[[scenario]]
name = "cool"
rules = ["gpu-too-hot"]
[[scenario.series]]
entity = "gpu"
host = "a"
values = { temp_c = 95, temp_slowdown_c = 90 }
[[scenario.expect]]
at = "5m"
alerts = []
"""
    file = written(tmp_path / "cool.toml", scenario)
    assert main(["rules", "test", file]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:3: cool" in shown
    assert '+ got       gpu-too-hot firing a gpu1 "a GPU ?: 95 °C, slows itself down at 90 °C"' in shown
    assert main(["rules", "test", file, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["differences"][0]["at_s"] == 300


def test_recorded_series_are_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = recording(tmp_path / "r.parquet", {"a": np.array([50.0] * 5 + [95.0] * 5 + [85.0] * 5 + [70.0] * 5)})
    rules = written(tmp_path / "rules.toml", SERIES)
    assert main(["alerts", "replay", file, "--rules", rules, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    told = [(item["series"], item["rule"], item["state"], item["ts"]) for item in document["transitions"]]
    assert told == [("a", "high", "pending", 360.0), ("a", "high", "firing", 420.0), ("a", "high", "resolved", 960.0)]
    assert document["transitions"][1]["value"] == 95.0
    assert document["summary"]["rules"]["high"]["fired"] == 1
    assert main(["alerts", "replay", file, "--rules", rules]) == 0
    assert "firing    high  a: 95 %" in capsys.readouterr().out


def test_what_rises_is_foretold_from_the_past_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.2, 140)
    rising = 20.0 + 0.55 * np.arange(140) + noise
    calm = 40.0 + noise
    rules = written(tmp_path / "rules.toml", SERIES)

    def told(length: int) -> list[dict[str, object]]:
        file = recording(tmp_path / "r.parquet", {"rising": rising[:length], "calm": calm[:length]})
        assert main(["alerts", "replay", file, "--rules", rules, "--json"]) == 0
        return [item for item in json.loads(capsys.readouterr().out)["transitions"] if item["rule"] == "ahead"]

    fired = [item for item in told(140) if item["state"] == "firing"]
    crossing_s = 60.0 * (1 + int(np.argmax(rising >= 90.0)))
    assert {item["series"] for item in fired} == {"rising"}
    assert 0.0 < crossing_s - float(str(fired[0]["ts"])) <= 1800.0
    assert isinstance(fired[0]["eta"], dict)
    # What comes later changes nothing of what was told before.
    cut = [item for item in told(125) if float(str(item["ts"])) < 7000.0]
    assert cut == [item for item in told(140) if float(str(item["ts"])) < 7000.0]


def test_our_own_recordings_are_replayed_with_our_own_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "recording"
    folder.mkdir()
    recording(folder / "part-1.parquet", {"a/gpu/GPU-1": np.array([60.0] * 3 + [95.0] * 6)}, "temp_c")
    rules = (
        '[[rule]]\nname = "hot"\nentity = "gpu"\nseverity = "page"\nwhen = "temp_c > 90"\nsummary = "{host} {uuid}"\n'
    )
    file = written(tmp_path / "rules.toml", rules)
    assert main(["alerts", "replay", str(folder), "--rules", file, "--json"]) == 0
    transitions = json.loads(capsys.readouterr().out)["transitions"]
    assert [(item["series"], item["state"], item["summary"]) for item in transitions] == [
        ("a/gpu/GPU-1", "firing", "a GPU-1")
    ]


def test_values_and_times_that_cannot_be_are_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a/gpu/G", "process_count", 60.0 * n, value) for n, value in enumerate([3.0, 1e300, -1e300, 3.0])]
    rows += [("b/gpu/G", "process_count", at, 3.0) for at in (0.0, 60.0, 1e18, 1e300)]
    file = tmp_path / "odd.parquet"
    pl.DataFrame(rows, ["series", "metric", "ts", "value"], orient="row").write_parquet(file)
    rules = '[[rule]]\nname = "x"\nentity = "gpu"\nseverity = "note"\nwhen = "process_count > 1"\nsummary = "x"\n'
    assert main(["alerts", "replay", str(file), "--rules", written(tmp_path / "x.toml", rules), "--json"]) == 0
    told = [(one["series"], one["state"]) for one in json.loads(capsys.readouterr().out)["transitions"]]
    assert told == [("a/gpu/G", "firing")]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (SERIES.replace("mem_pct >= 90", "mem_pc >= 90"), 'did you mean "mem_pct"?'),
        ("", "no rules"),
        ("nonsense", "not TOML"),
    ],
)
def test_rules_that_cannot_be_replayed_are_told(
    rules: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "r.parquet", {"a": np.array([1.0, 2.0])})
    assert main(["alerts", "replay", file, "--rules", written(tmp_path / "rules.toml", rules)]) == 3
    assert said in capsys.readouterr().err


def test_files_that_cannot_be_read_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = written(tmp_path / "rules.toml", SERIES)
    assert main(["alerts", "replay", str(tmp_path / "none.parquet"), "--rules", rules]) == 3
    assert main(["alerts", "replay", written(tmp_path / "x.parquet", "x"), "--rules", rules]) == 3
    assert main(["alerts", "replay", str(tmp_path), "--rules", str(tmp_path / "none.toml")]) == 3
    assert main(["alerts", "replay", "x", "--rules", rules, "--every", "0"]) == 3
    assert capsys.readouterr().err.count("leptontui: ") >= 4
