"""What the help says, as rows: keys from the registry, signs, the filter language, and the metric catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from leptontui.model.action import Danger
from leptontui.model.action_spec import ActionSpec
from leptontui.model.catalogue import metrics_of
from leptontui.model.health import EVENTS, Severity
from leptontui.model.series import Entity
from leptontui.model.text import plain
from leptontui.render.palette import role_of
from leptontui.render.standing import LINK_GLYPHS, LINK_ROLES
from leptontui.ui.commands import Powers, Scope, commands_of
from leptontui.ui.widgets.footer import key_names
from leptontui.ui.widgets.metric_text import source_words, unit_words
from leptontui.view.query import FIELDS

_SEVERITIES: Final = {
    Severity.CRITICAL: "critical: somebody has to do something now",
    Severity.PREDICTED: "predicted: well now, a forecast crosses a threshold; the time is a range",
    Severity.WARNING: "warning: not as it should be",
    Severity.UNKNOWN: "unknown: nothing fresh is known",
    Severity.WELL: "well",
}
_LINKS: Final = {
    "live": "sweeps arrive",
    "stale": "connected, but no sweep for three intervals",
    "lost": "the connection is gone or cannot be made; redialled by itself",
    "refused": "the host or this program said no; a human has to mend it",
    "dialing": "not connected yet",
}
_SIGNS: Final = (
    ("▃▄▆▇ ▇█", "a trend: the last quarter of an hour, then the next one as forecast, on a physical scale"),
    ("◆", "in a trend: where the forecast crosses a threshold"),
    ("–", "not known; a blank in a trend was not sampled"),
    ("3.1", "MIG instance 1 of GPU 3; it stands below its GPU and is counted as a part of it"),
    ("gone", "a GPU that was there and is not any more; its row stays"),
    ("↶", "before an event: it happened before we connected, and was found in the kernel's log"),
    ("×7", "after an event: it was reported seven times"),
    ("dim", "old: the host is not live, or its driver does not answer; its age stands beside it"),
)
_FILTERS: Final = (
    ("word", "part of a host, GPU model, job, user, group, link or health text"),
    (
        "job:8812",
        "that job; also pod: container: partition: group: link: state: (equal), host: model: user: node: mig: (part)",
    ),
    ("host:gpu-0*", "with * and ?; a,b is either"),
    ("util<10", "also <= > >= =, for " + " ".join(name for name, field in FIELDS.items() if field.kind == "number")),
    ("mem>90%", "a share of the whole; without % in GiB (in host rows: the host's memory)"),
    ("sev>=warning", "a severity"),
    ("!word", "not; two terms must both hold"),
)
_ALERTS: Final = (
    ("✖ ▲ ·", "a page: somebody is woken; a ticket: in working hours; a note: told to nobody", "text"),
    ("◆ in 11 min (7–19)", "a prediction, with the interval that holds in 80 % of cases", "predicted"),
    ("right 9 of 11", "so many of the rule's predictions came true; one whose time has not come is not judged", "text"),
    ("▸ 12", "alerts with one cause, in one line; → shows them, ← hides them", "accent"),
    ("+3", "alerts that it explains: what is on an unreachable host is not told besides", "accent"),
    ("✓ anna", "acknowledged: anna looks after it until it clears", "well"),
    ("pending 40 s", "its condition holds, but not yet for as long as its rule asks", "dim"),
    ("silenced until 08:00", "shown, but told to nobody until then", "dim"),
    (
        "flapping ×4",
        "it ended and began again so often that it is told once and stays until it has been calm",
        "warning",
    ),
    ("over for now", "what it told of is over; it ends after a while, or once it is acknowledged (an Xid)", "accent"),
    ("/ xid rack:r3", "filters by words and by labels, with * and ?; a,b is either, ! turns a term round", "accent"),
    ("level:page", "also rule: host: state: and every label that alerts carry", "accent"),
    (
        "host=~gpu-0.* job!=7",
        "what a silence asks for: = != =~ !~, as in Alertmanager; values with spaces in quotes",
        "accent",
    ),
)
_CURSOR_KEYS: Final = (
    ("↑ ↓", "Choose a row; the cursor stays on its GPU or host wherever that is sorted to."),
    ("home end G", "Choose the first or last row; page up and page down go by a screenful."),
    ("esc", "Show all rows again; then choose none, and keep the top in view."),
)
_ENTITIES: Final = {
    Entity.GPU: "a GPU",
    Entity.HOST: "a host",
    Entity.FILESYSTEM: "a filesystem",
    Entity.DISK: "a disk",
    Entity.NIC: "a network interface",
    Entity.PORT: "an InfiniBand or RoCE port",
    Entity.UNIT: "a systemd unit",
    Entity.SERVICE: "a service",
    Entity.SAMPLE: "a sample of a metrics page or script",
    Entity.PROCESS: "a GPU process",
}


_DANGERS: Final = {Danger.HARMLESS: "well", Danger.DISRUPTIVE: "warning", Danger.DESTRUCTIVE: "critical"}
_CONFIRMING: Final = (
    ("A", "arms: until then nothing can be run. The header shows how long it lasts; every action prolongs it"),
    ("y", "in a plan: run what is harmless or disruptive on one host"),
    ("its name", "what is destructive wants the host's name typed; what is done to many wants their count"),
    ("set aside because", "a rule that stands in the way and may be overridden wants a reason, which the audit keeps"),
    ("p", "in a plan that cannot be run now: ask for it again"),
    ("^o", "in a plan: change its parameters; of many hosts, how many at a time"),
    ("u", "after it was verified: plan what takes it back"),
    ("✓ ▸", "in the fleet: a marked host; a marked host under the cursor"),
    ("esc", "leaves it alone, always; what runs already goes on, and tells how it ended"),
)


@dataclass(frozen=True, slots=True)
class HelpRow:
    """One line: what is explained, in which role, in words, and where a metric comes from."""

    left: str
    words: str
    role: str = "accent"
    origin: str = ""

    def speaks_of(self, words: Sequence[str]) -> bool:
        """Whether all of these words, in lower case, occur."""
        text = f"{self.left} {self.words} {self.origin}".lower()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class HelpSection:
    """Lines that belong together."""

    title: str
    rows: tuple[HelpRow, ...]

    def having(self, words: Sequence[str]) -> HelpSection:
        """Only the rows that speak of all of these words; all of them where the title does."""
        if all(word in self.title.lower() for word in words):
            return self
        return replace(self, rows=tuple(row for row in self.rows if row.speaks_of(words)))


def help_sections(powers: Powers, specs: Sequence[ActionSpec] = ()) -> tuple[HelpSection, ...]:
    """Everything the help says; no key is explained that needs a port which is not there."""
    return tuple(_sections(powers, specs))


def _sections(powers: Powers, specs: Sequence[ActionSpec]) -> Iterator[HelpSection]:
    for scope in Scope:
        commands = list(commands_of(scope, powers))
        rows = [HelpRow(key_names(command), command.meaning) for command in commands]
        if scope is Scope.FLEET:
            rows += [HelpRow(key, words) for key, words in _CURSOR_KEYS]
        if rows:
            yield HelpSection(f"Keys: {scope.value}", tuple(rows))
    if powers.acts:
        yield HelpSection(
            "Actions, and how one is confirmed", tuple(HelpRow(left, words) for left, words in _CONFIRMING)
        )
        yield HelpSection("What can be done", tuple(action_row(spec) for spec in specs))
    signs = [HelpRow(severity.glyph, words, role_of(severity)) for severity, words in _SEVERITIES.items()]
    signs += [
        HelpRow(LINK_GLYPHS[link], f"host {link.value}: {_LINKS[link.value]}", LINK_ROLES[link]) for link in LINK_GLYPHS
    ]
    signs += [HelpRow(sign, words, "text") for sign, words in _SIGNS]
    yield HelpSection("Signs", tuple(signs))
    yield HelpSection("Filter", tuple(HelpRow(example, words) for example, words in _FILTERS))
    yield HelpSection("Alerts", tuple(HelpRow(sign, words, role) for sign, words, role in _ALERTS))
    yield HelpSection("Events", tuple(HelpRow(name, words, "text") for name, words in EVENTS.items()))
    for entity, title in _ENTITIES.items():
        yield HelpSection(
            f"Metrics of {title}",
            tuple(
                HelpRow(
                    item.title,
                    item.meaning,
                    "text",
                    "  ".join(part for part in (_bracketed(unit_words(item)), source_words(item)) if part),
                )
                for item in metrics_of(entity)
            ),
        )


def action_row(spec: ActionSpec) -> HelpRow:
    """An action in the help: what it does, what it needs, how it is verified and taken back."""
    needs = f" Needs: {plain(spec.needs, 200)}." if spec.needs else ""
    words = f"{plain(spec.meaning, 300)}{needs} Verified: {plain(spec.verified_by, 200)}. {plain(spec.undone_by, 200)}"
    return HelpRow(plain(spec.verb, 20), words, _DANGERS[spec.danger], f"[{spec.danger.value}] {plain(spec.name, 60)}")


def _bracketed(unit: str) -> str:
    return f"[{unit}]" if unit else ""
