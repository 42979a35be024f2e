"""Fuses everything that holds for a GPU or host into one verdict: the greatest remedy wins, all voices are evidence.

Rules 1 to 5 of the verdict on Xids are in `xid`; here what came of them is one voice among ECC, row remapping, NVLink,
throttling, PCIe and the rest, each with the remedy of its kind in `signals`. Which job runs there decides whether to
drain first, and who is affected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from leptontui.health.ranking import Finding, Held, Voice
from leptontui.health.xid import ASKS
from leptontui.model.signals import SIGNALS
from leptontui.model.verdict import Override, Overrides, Remedy, Verdict

COLUMNS: Final[dict[str, pl.DataType]] = {
    "verdict_rank": pl.Int8(),
    "verdict_action": pl.String(),
    "verdict_words": pl.String(),
    "verdict_reason": pl.String(),
    "verdict_source": pl.String(),
    "verdict_evidence": pl.List(pl.String()),
}
"""The columns of a verdict. All are null where nothing is known: the host is not live, or the driver is silent."""

USE: Final[dict[str, pl.DataType]] = {"job": pl.String(), "user": pl.String(), "process_count": pl.Int64()}
"""The columns that say what runs there."""
_ADVICE: Final = r": (reset the GPU|replace the GPU)$"
"""What some findings say by themselves; a verdict says it once."""
_KEYS: Final = {int(remedy): remedy.key for remedy in Remedy}
_IDLE: Final = {int(remedy): remedy.words for remedy in Remedy}
_BUSY: Final = {int(remedy): remedy.busy_words for remedy in Remedy}


def overruled(findings: Sequence[Finding], overrides: Overrides) -> tuple[Finding, ...]:
    """The findings as the user wants signals judged, worst first again; those that ask for nothing are left out."""
    if not overrides.signals:
        return tuple(findings)
    changed = [_overruled(finding, overrides.signals.get(finding.signal)) for finding in findings]
    kept = [finding for finding in changed if finding is not None]
    return tuple(sorted(kept, key=lambda finding: -finding.severity))


def _overruled(finding: Finding, override: Override | None) -> Finding | None:
    if override is None or finding.signal == "":
        return finding
    if override.remedy is Remedy.NONE:
        return None
    reason = finding.words if finding.voice is None else finding.voice.reason
    voice = Voice(_rank(override.remedy), pl.lit(override.voice), reason)
    return replace(finding, severity=override.severity, voice=voice)


def fused(found: Held, is_known: pl.Series) -> pl.DataFrame:
    """The verdict on every row: the columns of `COLUMNS`.

    Args:
        found: the findings that hold, with the columns of `USE` in its rows.
        is_known: where something fresh is known; null elsewhere.
    """
    voices = [(name, voice) for name, item in found.items if (voice := _voice_of(item)) is not None]
    known = pl.lit(is_known)
    if not voices:
        return pl.select(pl.int_range(found.height).alias("row")).select(
            pl.when(known).then(value).cast(COLUMNS[name]).alias(name) for name, value in _WELL.items()
        )
    told = _told(found.rows, voices)
    return found.spread(told).select(
        pl.when(known).then(pl.col(name).fill_null(value)).cast(COLUMNS[name]).alias(name)
        for name, value in _WELL.items()
    )


def _told(rows: pl.DataFrame, voices: Sequence[tuple[str, Voice]]) -> pl.DataFrame:
    """The verdict on rows where something holds.

    Args:
        rows: with the columns of `USE`.
        voices: names of columns that say where a voice is heard, and what it asks for there.
    """
    count = range(len(voices))
    # Step by step: polars 2.1 panics in a `format` of what another one has made where there are nulls.
    rows = rows.with_columns(
        *(voice.rank.alias(f"__rank{n}") for n, (_, voice) in enumerate(voices)),
        *(voice.source.alias(f"__source{n}") for n, (_, voice) in enumerate(voices)),
        *(_reason(voice).alias(f"__reason{n}") for n, (_, voice) in enumerate(voices)),
        runs_words().alias("__runs"),
    ).rechunk()
    rank = pl.max_horizontal(pl.when(name).then(pl.col(f"__rank{n}")) for n, (name, _) in enumerate(voices))
    rows = rows.with_columns(
        rank.alias("verdict_rank"), *(_line(n).alias(f"__line{n}") for n in count), _clause(rank).alias("__clause")
    ).rechunk()
    decides = [pl.col(name) & (pl.col(f"__rank{n}") == pl.col("verdict_rank")) for n, (name, _) in enumerate(voices)]

    def of_decisive(column: str) -> pl.Expr:
        return pl.coalesce(pl.when(so).then(pl.col(f"{column}{n}")) for n, so in enumerate(decides))

    rows = rows.with_columns(
        of_decisive("__reason").alias("verdict_reason"),
        of_decisive("__source").alias("verdict_source"),
        pl.concat_list(
            of_decisive("__line"),
            *(pl.when(name).then(pl.col(f"__line{n}")) for n, (name, _) in enumerate(voices)),
            *(pl.when(name).then(v.lines).otherwise([]).fill_null([]) for name, v in voices if v.lines is not None),
        )
        .list.drop_nulls()
        .list.unique(maintain_order=True)
        .alias("verdict_evidence"),
        _action(rank).alias("__action"),
    ).rechunk()
    return rows.select(
        "verdict_rank",
        pl.col("verdict_rank").replace_strict(_KEYS, default=None, return_dtype=pl.String).alias("verdict_action"),
        pl.format("{}: {}{}", "__action", "verdict_reason", "__clause").alias("verdict_words"),
        "verdict_reason",
        "verdict_source",
        "verdict_evidence",
    )


_WELL: Final[dict[str, pl.Expr]] = {
    "verdict_rank": pl.lit(int(Remedy.NONE), pl.Int8),
    "verdict_action": pl.lit(Remedy.NONE.key),
    "verdict_words": pl.lit(""),
    "verdict_reason": pl.lit(""),
    "verdict_source": pl.lit(""),
    "verdict_evidence": pl.lit([], pl.List(pl.String)),
}


def verdict_of(frame: pl.DataFrame, host: str, uuid: str = "") -> Verdict | None:
    """The whole verdict on one GPU or host, e.g. for an alert's detail.

    Args:
        frame: `Frames.gpus` with `uuid`, `Frames.hosts` without.
        host: the host's name.
        uuid: the GPU's; "" for the host.

    Returns:
        None if it is not in the frame, or nothing fresh is known of it.
    """
    if "verdict_rank" not in frame.columns:
        return None
    is_it = (pl.col("host") == host) & ((pl.col("uuid") == uuid) if uuid else pl.lit(value=True))
    rows = frame.lazy().filter(is_it & pl.col("verdict_rank").is_not_null()).select(*COLUMNS).head(1).collect()
    if not rows.height:
        return None
    row = rows.row(0, named=True)
    return Verdict(
        Remedy(row["verdict_rank"]), row["verdict_words"], row["verdict_source"], tuple(row["verdict_evidence"])
    )


def runs_words() -> pl.Expr:
    """What runs there, from the columns of `USE`: "job 8812 of alice runs here"; "" if nothing, null if not known."""
    job, user, count = (pl.col(name) for name in ("job", "user", "process_count"))
    job, user = job.fill_null(""), user.fill_null("")
    of = pl.when(user == "").then(pl.lit("")).otherwise(pl.lit(" of ") + user)
    is_several = job.str.contains(", ", literal=True)
    return (
        pl.when((job != "") & is_several)
        .then(pl.lit("jobs ") + job + of + pl.lit(" run here"))
        .when(job != "")
        .then(pl.lit("job ") + job + of + pl.lit(" runs here"))
        .when(count == 1)
        .then(pl.lit("a process") + of + pl.lit(" runs here"))
        .when(count > 1)
        .then(count.cast(pl.String) + pl.lit(" processes") + of + pl.lit(" run here"))
        .when(count == 0)
        .then(pl.lit(""))
    )


def _voice_of(finding: Finding) -> Voice | None:
    if finding.voice is not None:
        return finding.voice
    signal = SIGNALS.get(finding.signal)
    return None if signal is None else Voice(_rank(signal.remedy), pl.lit(signal.source), finding.words)


def _rank(remedy: Remedy) -> pl.Expr:
    return pl.lit(int(remedy), pl.Int8)


def _reason(voice: Voice) -> pl.Expr:
    """What was seen, without what to do about it: that stands beside it."""
    said = voice.reason.fill_null("?").str.replace(_ADVICE, "")
    wanted = [voice.rank.replace_strict(words, default="", return_dtype=pl.String) for words in (_IDLE, _BUSY)]
    is_same = pl.any_horizontal(said == pl.lit(ASKS) + words for words in wanted)
    return pl.when(is_same).then(pl.lit("the driver asks for it")).otherwise(said)


def _line(number: int) -> pl.Expr:
    """A voice as evidence: "Xid 79 off the bus: reboot the host (NVIDIA)"."""
    action = pl.col(f"__rank{number}").replace_strict(_IDLE, default="", return_dtype=pl.String)
    return pl.format("{}: {} ({})", f"__reason{number}", action, pl.col(f"__source{number}").fill_null("?"))


def _action(rank: pl.Expr) -> pl.Expr:
    """What to do, in words: to drain first, unless nothing runs there."""
    idle = rank.replace_strict(_IDLE, default="", return_dtype=pl.String)
    busy = rank.replace_strict(_BUSY, default="", return_dtype=pl.String)
    return pl.when(pl.col("__runs") == "").then(idle).otherwise(busy)


def _clause(rank: pl.Expr) -> pl.Expr:
    """Who is affected: "; job 8812 of alice runs here"; "" where that does not matter, or is not known."""
    matters = (rank >= int(Remedy.RESET)) | (rank == int(Remedy.RESTART_APPLICATION))
    runs = pl.col("__runs").fill_null("?")
    return (
        pl.when(~matters | (runs == "?"))
        .then(pl.lit(""))
        .when(runs == "")
        .then(pl.lit("; nothing runs here"))
        .otherwise(pl.format("; {}", runs))
    )
