"""The filter language: `8812 host:gpu-0* util<10 mem>90% !user:bob`.

All terms must hold. A term that cannot be understood is told in words, never raised.

- a word matches part of a host, GPU model, job, user, group, link or health text; `"two words"` are one;
- `field:value` compares text without regard to case, with `*` and `?`; `job`, `pod`, `container`, `partition`, `link`,
  `state` and `group` must be equal, of the others part is enough; `a,b` is either;
- `field<10`, `<=`, `>`, `>=`, `=` compare numbers; `mem>90%` is a share of the whole; `sev>=warning` a severity;
- `!` before a term turns it round. What is not known matches no comparison.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leptontui.model.health import Severity


class FieldKind(StrEnum):
    """How a field is compared."""

    PART = "part"
    EXACT = "exact"
    NUMBER = "number"
    SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class Field:
    """What can be asked for.

    Attributes:
        name: as typed.
        kind: how it is compared.
        gpu: the column in a frame of GPUs, "" if there is none.
        host: the column in a frame of hosts, "" if there is none.
        factor: a typed number times this is the column's unit.
        capacity: the column that is the whole for a share in percent, "" if there is none.
        is_joined: the column holds texts joined by commas: one of them has to be equal.
    """

    name: str
    kind: FieldKind
    gpu: str
    host: str
    factor: float = 1.0
    capacity: str = ""
    is_joined: bool = False


_GIB: Final = float(1 << 30)

FIELDS: Final[dict[str, Field]] = {
    field.name: field
    for field in (
        Field("host", FieldKind.PART, "host", "host"),
        Field("group", FieldKind.EXACT, "group", "group"),
        Field("link", FieldKind.EXACT, "link", "link"),
        Field("state", FieldKind.EXACT, "state", "gpu_states"),
        Field("model", FieldKind.PART, "name", "gpu_models"),
        Field("job", FieldKind.EXACT, "job", "gpu_jobs", is_joined=True),
        Field("pod", FieldKind.EXACT, "pod", "gpu_pods", is_joined=True),
        Field("container", FieldKind.EXACT, "container", "gpu_containers", is_joined=True),
        Field("user", FieldKind.PART, "user", "gpu_users", is_joined=True),
        Field("node", FieldKind.PART, "node_state", "node_state"),
        Field("partition", FieldKind.EXACT, "partitions", "partitions", is_joined=True),
        Field("mig", FieldKind.PART, "mig_profile", ""),
        Field("health", FieldKind.PART, "health", "health"),
        Field("uuid", FieldKind.PART, "uuid", "gpu_uuids"),
        Field("sev", FieldKind.SEVERITY, "severity", "severity"),
        Field("gpu", FieldKind.NUMBER, "index", "gpu_count"),
        Field("util", FieldKind.NUMBER, "util_pct", "gpu_util_pct"),
        Field("mem", FieldKind.NUMBER, "memory_used_bytes", "memory_used_bytes", _GIB, "memory_total_bytes"),
        Field("temp", FieldKind.NUMBER, "temp_c", "gpu_temp_c"),
        Field("power", FieldKind.NUMBER, "power_w", "gpu_power_w", 1.0, "power_limit_w"),
        Field("clock", FieldKind.NUMBER, "clock_sm_mhz", "", 1.0, "clock_sm_max_mhz"),
        Field("ecc", FieldKind.NUMBER, "ecc_uncorrected", ""),
        Field("procs", FieldKind.NUMBER, "process_count", ""),
        Field("cpu", FieldKind.NUMBER, "", "cpu_util_pct"),
        Field("load", FieldKind.NUMBER, "", "load1", 1.0, "cpu_count"),
    )
}


class Op(StrEnum):
    """How a term compares."""

    HAS = ":"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="


@dataclass(frozen=True, slots=True)
class Term:
    """One condition.

    Attributes:
        field: what is compared; None for a free word.
        op: how.
        words: texts of which one must fit, lower case; empty for a number.
        number: what a number is compared with, in the column's unit (or a share from 0 to 1); NaN for a text.
        is_share: `number` is a share of the field's capacity.
        is_negated: must not hold.
    """

    field: Field | None
    op: Op
    words: tuple[str, ...] = ()
    number: float = float("nan")
    is_share: bool = False
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter.

    Attributes:
        terms: what could be understood; all must hold.
        error: what could not, in words; "" if all could.
    """

    terms: tuple[Term, ...] = ()
    error: str = ""


_OPERATOR_SPACE: Final = re.compile(r'("[^"]*"?)|\s*(<=|>=|<|>|=)\s*')
_TOKEN: Final = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_COMPARISON: Final = re.compile(r"([A-Za-z_]\w*)(<=|>=|<|>|=|:)(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_SEVERITIES: Final = {severity.name.lower(): severity for severity in Severity}
_LONGEST: Final = 500


class _Malformed(ValueError):
    """A term that cannot be understood; its text says why."""


def parse(text: str) -> Query:
    """Parse a filter. Never raises: what cannot be understood is named in `error` and left out."""
    spaced = _OPERATOR_SPACE.sub(lambda found: found[1] or found[2], text[:_LONGEST])
    terms: list[Term] = []
    errors: list[str] = []
    for token in _TOKEN.findall(spaced):
        try:
            term = _term(token)
        except _Malformed as error:
            errors.append(str(error))
        else:
            terms += [term] if term else []
    return Query(tuple(terms), "; ".join(errors[:2]))


def _term(token: str) -> Term | None:
    is_negated = token.startswith("!")
    body = token[1:] if is_negated else token
    found = _COMPARISON.fullmatch(body)
    if found is None:
        word = _unquoted(body)
        return Term(None, Op.HAS, (word,), is_negated=is_negated) if word else None
    name, op, value = found[1].lower(), Op(found[2]), _unquoted(found[3])
    field = FIELDS.get(name)
    if field is None:
        raise _Malformed(_unknown(name))
    if not value:
        raise _Malformed(f"{name}{op.value} what?")
    if field.kind is FieldKind.SEVERITY:
        return Term(field, op, number=float(_severity(value)), is_negated=is_negated)
    if field.kind is FieldKind.NUMBER:
        number, is_share = _number(field, value)
        return Term(field, op, number=number, is_share=is_share, is_negated=is_negated)
    if op not in {Op.HAS, Op.EQUAL}:
        raise _Malformed(f"{name} is a text: {name}:{value}")
    words = tuple(word for part in value.split(",") if (word := part.strip()))
    if not words:
        raise _Malformed(f"{name}{op.value} what?")
    return Term(field, op, words, is_negated=is_negated)


def _unquoted(text: str) -> str:
    return text.replace('"', "").strip().lower()


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, 1)
    return f"no field {name}, " + (f"did you mean {near[0]}?" if near else "help lists them")


def _number(field: Field, value: str) -> tuple[float, bool]:
    is_share = value.endswith("%") and bool(field.capacity)
    digits = value.removesuffix("%").strip()
    if not _NUMBER.fullmatch(digits):
        raise _Malformed(f"{field.name} is compared with a number, not {value}")
    number = float(digits)
    return (number / 100.0, True) if is_share else (number * field.factor, False)


def _severity(value: str) -> Severity:
    near = [name for name in _SEVERITIES if name.startswith(value)]
    if not near:
        raise _Malformed(f"no severity {value}: there are {', '.join(_SEVERITIES)}")
    return _SEVERITIES[near[0]]
