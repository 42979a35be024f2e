"""Rules files: what they say, and that every mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.rules.book import load_rules, read_rules, shipped_tables
from leptontui.alerts.rules.columns import GROWING
from leptontui.engine.alert_rules import RuleFile
from leptontui.model.alert import Level
from leptontui.model.reaction import AutoPolicy, Reaction
from leptontui.store.happened import SCHEMAS
from tests.unit.alerts.rules_scene import book_of, rule, rule_text


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_rules(text, "rules.toml").problems]


def test_every_shipped_rule_is_well() -> None:
    book = load_rules(None)
    assert not book.problems
    assert len(book.rules) == len(shipped_tables()) > 80
    assert not [problem for table in shipped_tables().values() for problem in table.problems]


def test_every_shipped_rule_says_what_it_is_for() -> None:
    for shipped in load_rules(None).rules:
        assert shipped.about, shipped.name
        assert any(name == "trouble" for name, _ in shipped.labels), shipped.name


def test_pages_are_few_and_need_somebody_now() -> None:
    pages = {shipped.name for shipped in load_rules(None).rules if shipped.level is Level.PAGE}
    assert pages == {
        "gpu-lost",
        "gpu-verdict",
        "gpu-too-hot",
        "host-unreachable",
        "host-driver-hung",
        "service-unhealthy",
    }


def test_nothing_shipped_acts_by_itself() -> None:
    assert all(shipped.reaction is Reaction.SUGGEST for shipped in load_rules(None).rules)


def test_what_grows_is_what_the_store_counts() -> None:
    for entity, names in GROWING.items():
        assert all(f"{name}_10min" in SCHEMAS[entity] for name in names)


def test_a_rule_is_read() -> None:
    found = rule(for_="5m", keep_for="90s", clear="temp_c < 80", severity="page", action="drain", reaction="confirm")
    assert (found.for_s, found.keep_for_s, found.level) == (300.0, 90.0, Level.PAGE)
    assert found.policy.reaction is Reaction.CONFIRM
    assert found.value is not None
    assert found.value.text == "temp_c"
    assert found.origin == "rules.toml:2"


def test_a_predictive_rule_knows_what_it_foresees() -> None:
    found = rule(when="forecast(memory_used_bytes, '15m', 0.8) >= 0.97 * memory_total_bytes")
    assert found.is_predictive
    assert found.horizon_s == 900.0
    assert found.crossing is not None
    assert found.crossing.metric == "memory_used_bytes"
    assert rule(when="eta(temp_c, 90) < '10m'").horizon_s == 600.0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"severity": "pge"}, "severity: 'pge'; did you mean \"page\"?"),
        ({"severity": None}, "severity: missing, expected one of note, ticket, page"),
        ({"entity": "gpus"}, 'did you mean "gpu"?'),
        ({"when": None}, "when: missing"),
        ({"when": "temp > 3"}, 'gpu has no column temp; did you mean "temp_c"?'),
        ({"when": "temp_c > 90 AND temp_c < 80"}, "seems to contradict itself"),
        ({"when": "temp_c > 90 OR temp_c <= 90"}, "always true"),
        ({"clear": "temp_c > 80"}, "would begin and end at once"),
        ({"clear": "temp_c > 8000 AND temp_c < 3"}, "would never end"),
        ({"for_": 5}, 'write for = "5s"'),
        ({"for_": "soon"}, "expected a duration"),
        ({"fro": "5m"}, 'unknown key; did you mean "for"?'),
        ({"summary": None}, "summary: missing"),
        ({"summary": "{temp}"}, '{temp}: gpu has no column temp; did you mean "temp_c"?'),
        ({"summary": "{host.__class__}"}, "summary"),
        ({"summary": "{host!r}"}, "!r in {host}"),
        ({"summary": "{temp_c:>999999999}"}, "format"),
        ({"summary": "{0}{"}, "summary"),
        ({"action": "drian"}, 'did you mean "drain"?'),
        ({"action": "restart"}, 'entity = "unit"'),
        ({"reaction": "auto"}, "without an action"),
        ({"reaction": "auto", "action": "drain", "when": "eta(temp_c, 90) < '5m'"}, "nothing is done on a forecast"),
        ({"reaction": "auto", "action": "drain", "when": "severity >= 3"}, "what a forecast alone may bring about"),
        ({"reaction": "auto", "action": "drain", "when": "severity > 2 AND temp_c > 50"}, "a forecast alone"),
        ({"reaction": "auto", "action": "drain", "when": "verdict_rank > 0"}, "a forecast alone"),
        ({"reaction": "auto", "action": "drain", "when": "verdict_action != 'none'"}, "a forecast alone"),
        ({"reaction": "auto", "action": "drain", "when": "health LIKE '%°C%'"}, "a forecast alone"),
        ({"when": "temp_c > 85 util_pct > 50"}, "unable to parse"),
        ({"when": "temp_c > 85 THEN"}, "unable to parse"),
        ({"when": "temp_c > 85 true"}, "unable to parse"),
        ({"when": "uuid LIKE '" + "%_" * 900 + "'"}, "a pattern with 1800 wildcards, expected at most 40"),
        ({"runbook": "javascript:alert(1)"}, "https://"),
        ({"runbook": "https://a b"}, "https://"),
        ({"when": "forecast(temp_c, '5m') IS NULL"}, "compared with nothing"),
        ({"disabled": "yes"}, "true or false"),
        ({"clears": "never"}, "one of itself, acknowledged"),
        ({"entity": "series"}, "leptontui alerts replay"),
    ],
)
def test_a_mistake_is_told(keys: dict[str, object], said: str) -> None:
    book = book_of(rule_text(**keys))
    assert not book.rules
    told = [str(problem) for problem in book.problems]
    assert any(said in line for line in told), told
    assert all(line.startswith("rules.toml:") for line in told)


@pytest.mark.parametrize(
    "when",
    ["severity >= 4", "verdict_action = 'drain-reset'", "verdict_rank >= 4 OR temp_c > 95", "temp_c > 95"],
)
def test_what_is_seen_to_be_wrong_may_be_acted_on(when: str) -> None:
    assert rule(reaction="auto", action="drain", when=when).reaction is Reaction.AUTO


def test_the_line_is_that_of_the_key() -> None:
    told = problems(
        '# mine\n\n[[rule]]\nname = "a"\nentity = "gpu"\nseverity = "note"\nwhen = "tmp > 3"\nsummary = "x"\n'
    )
    assert told == ['rules.toml:7: rule a: when: gpu has no column tmp; did you mean "temp_c"?'] or told[0].startswith(
        "rules.toml:7: rule a: when: gpu has no column tmp"
    )


def test_two_rules_have_two_names() -> None:
    book = book_of(rule_text(), rule_text())
    assert len(book.rules) == 1
    assert "a second rule called" in str(book.problems[0])


def test_a_shipped_rule_is_changed_not_written_again() -> None:
    told = problems(rule_text(name="gpu-warm"))
    assert any("[override.gpu-warm]" in line for line in told)


def test_a_shipped_rule_is_changed() -> None:
    book = read_rules('[override.gpu-warm]\nseverity = "ticket"\nfor = "1h"\n', "rules.toml")
    changed = next(found for found in book.rules if found.name == "gpu-warm")
    assert (changed.level, changed.for_s, changed.origin) == (Level.TICKET, 3600.0, "rules.toml:1")


def test_a_shipped_rule_is_turned_off() -> None:
    book = read_rules("[override.gpu-warm]\ndisabled = true\n", "rules.toml")
    assert "gpu-warm" not in {found.name for found in book.rules}
    assert book.disabled == ("gpu-warm",)


def test_a_broken_change_leaves_the_other_rules() -> None:
    book = read_rules('[override.gpu-warm]\nwhen = "nonsense >"\n', "rules.toml")
    assert len(book.rules) == len(shipped_tables()) - 1
    assert book.problems[0].line == 2


@pytest.mark.parametrize(
    "text",
    [
        "[override.gpu-wrm]\ndisabled = true\n",
        "[override]\nx = 3\n",
        "override = 3\n",
        "rule = 3\n",
        "auto = 3\n",
        "nonsense",
        "[[rules]]\n",
        "[auto]\nallow = ['restrat']\n",
        "[auto]\nfleet_share = 7\n",
        "[auto]\nper_hour=-1\n",
    ],
)
def test_wrong_tables_are_told(text: str) -> None:
    assert problems(text)


def test_what_is_allowed_by_itself_is_read() -> None:
    auto = read_rules('[auto]\nallow = ["restart"]\nper_hour = 3\nfleet_share = 0.01\n', "rules.toml").auto
    assert (auto.allow, auto.per_hour, auto.fleet_share) == (frozenset({"restart"}), 3, 0.01)
    assert not read_rules('[auto]\nallow = ["restart", "reboot"]\n', "rules.toml").auto.allow


AUTO = "# by itself\n[auto]\nallow = ['drain']\n"


@pytest.fixture
def auto(tmp_path: Path) -> Path:
    folder = tmp_path / "leptontui"
    folder.mkdir(0o700)
    file = folder / "rules.toml"
    file.write_text(AUTO)
    file.chmod(0o600)
    return file


def test_what_only_the_user_can_write_may_allow(auto: Path) -> None:
    assert load_rules(auto).auto.allow == {"drain"}
    auto.chmod(0o644)
    auto.parent.chmod(0o755)
    assert load_rules(auto).auto.allow == {"drain"}
    assert not load_rules(auto).problems


@pytest.mark.parametrize(("mode", "whom"), [(0o620, "its group"), (0o602, "everybody"), (0o666, "everybody")])
@pytest.mark.parametrize("is_folder", [False, True])
def test_what_others_can_write_allows_nothing(auto: Path, mode: int, whom: str, is_folder: bool) -> None:
    place = auto.parent if is_folder else auto
    place.chmod(mode | (0o700 if is_folder else 0))
    book = load_rules(auto)
    assert book.auto == AutoPolicy()
    assert len(book.rules) == len(load_rules(None).rules)
    (problem,) = book.problems
    assert problem.line == 2
    what = str(place) if is_folder else "the file"
    assert str(problem).endswith(
        f": auto: nothing is done by itself: {what} may be written by {whom}, expected only yours to write; "
        f"chmod go-w {place}"
    )


def test_what_a_link_leads_to_is_looked_at_as_well(auto: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    file = shared / "rules.toml"
    auto.rename(file)
    auto.symlink_to(file)
    assert load_rules(auto).auto == AutoPolicy()
    shared.chmod(0o1777)  # sticky: nobody else can put another file in its place
    assert load_rules(auto).auto.allow == {"drain"}


def test_what_others_can_write_matters_only_to_what_is_done_by_itself(auto: Path) -> None:
    auto.write_text("[override.host-odd]\nfor = '20m'\n")
    auto.chmod(0o666)
    assert not load_rules(auto).problems


def test_a_mended_file_is_read_again(auto: Path) -> None:
    auto.chmod(0o666)
    file = RuleFile(auto)
    loaded = file.changed()
    assert loaded is not None
    assert loaded.auto == AutoPolicy()
    assert len(loaded.troubles) == 1
    assert file.changed() is None
    auto.chmod(0o600)
    loaded = file.changed()
    assert loaded is not None
    assert (loaded.auto.allow, loaded.troubles) == ({"drain"}, ())


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(b"\xff\xfe")
    book = load_rules(file)
    assert "not UTF-8" in str(book.problems[0])
    assert len(book.rules) == len(shipped_tables())
    assert "is a directory" in str(load_rules(tmp_path).problems[0])


def test_foreign_rules_need_no_catalogue() -> None:
    book = load_rules(None, is_alone=True)
    assert not book.rules


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["name", "entity", "when", "clear", "for", "severity", "summary", "labels", "value", "action"]),
        st.sampled_from(
            [
                '"gpu"',
                '"temp_c > 3"',
                "3",
                "true",
                "[1]",
                "{}",
                '"note"',
                '"5m"',
                '"\\u001b[31m"',
                "1979-05-27",
                '""',
                '"{host}"',
                '"{x"',
                "{ a = 1 }",
                '{ team = "{host}" }',
                "inf",
                '"it"',
            ]
        ),
    )
)
def test_no_rule_ends_in_a_traceback(keys: dict[str, str]) -> None:
    text = "[[rule]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items())
    book = read_rules(text, "rules.toml", is_alone=True)
    assert bool(book.rules) != bool(book.problems)
    assert all(str(problem).isprintable() for problem in book.problems)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    read_rules(text, "rules.toml", is_alone=True)
