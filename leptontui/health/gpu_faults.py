"""Findings about a GPU's memory, links and board: what is broken, and what wears out."""

from __future__ import annotations

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.ranking import Finding, Voice
from leptontui.health.xid import ASKS, RECOVERY, RECOVERY_REMEDY
from leptontui.model.health import Severity
from leptontui.model.signals import SIGNALS
from leptontui.model.verdict import Remedy


def faults() -> tuple[Finding, ...]:
    """What is broken, worst first.

    Uncorrected ECC errors (gcm); SRAM errors over NVIDIA's own threshold: a review for replacement; rows that could not
    be remapped: replacement, or wait for a reset (gpud, DCGM); 63 retired pages (DCGM); what the driver asks for itself
    (DCGM's enumeration of recovery actions); inactive NVLinks (DCGM); a fabric that is not complete (gpud); a broken
    InfoROM; more corrected errors than AzNHC allows.
    """
    critical = Severity.CRITICAL
    uncorrected = pl.coalesce(
        "ecc_uncorrected", pl.sum_horizontal(_zero("ecc_sram_uncorrected"), _zero("ecc_dram_uncorrected"))
    )
    action = pl.col("recovery_action")
    asks = [words for words, (_, severity) in RECOVERY.items() if severity is critical]
    state, status = pl.col("fabric_state"), pl.col("fabric_status")
    has_event = (pl.col("event_severity") == int(critical)).fill_null(value=False)
    return (
        Finding(critical, pl.col("is_remap_failed"), pl.lit("row remapping failed: replace the GPU"), "remap-failed"),
        Finding(
            critical,
            pl.col("is_ecc_sram_over_threshold"),
            pl.lit("SRAM errors over NVIDIA's threshold: RMA review"),
            "sram-threshold",
        ),
        Finding(critical, uncorrected > 0, pl.format("{} ECC uncorrected", uncorrected), "ecc-uncorrected"),
        # With an Xid the verdict names the more severe of the two already.
        Finding(critical, action.is_in(asks) & ~has_event, _asked(), "recovery-action", voice=_driver()),
        Finding(critical, pl.col("is_remap_pending"), pl.lit("row remap pending: reset the GPU"), "remap-pending"),
        Finding(
            critical, _retired() >= limits.RETIRED_PAGES, pl.format("{} pages retired", _retired()), "retired-pages"
        ),
        Finding(
            critical, pl.col("nvlinks_inactive") > 0, pl.format("{} NVLinks down", "nvlinks_inactive"), "nvlink-down"
        ),
        Finding(critical, state != "completed", pl.format("NVSwitch fabric {}", state), "fabric"),
        Finding(
            critical,
            (state == "completed") & (status != "success"),
            pl.format("NVSwitch fabric says {}", status),
            "fabric",
        ),
        Finding(critical, ~pl.col("is_inforom_valid"), pl.lit("InfoROM checksum is wrong"), "inforom"),
        Finding(
            critical,
            pl.col("ecc_dram_corrected") > limits.ECC_CORRECTED_DRAM,
            pl.format("{} DRAM errors corrected", "ecc_dram_corrected"),
            "ecc-corrected",
        ),
        Finding(
            critical,
            pl.col("ecc_sram_corrected") > limits.ECC_CORRECTED_SRAM,
            pl.format("{} SRAM errors corrected", "ecc_sram_corrected"),
            "ecc-corrected",
        ),
    )


def wear() -> tuple[Finding, ...]:
    """What is to be looked at, most telling first.

    512 remapped rows (gpud); 15 pages retired for double-bit errors (DCGM), or pages that wait to be; a rising rate of
    corrected errors; NVLink CRC errors (DCGM); an action of the driver that is not urgent; modes that change at the
    next reset.
    """
    warning = Severity.WARNING
    rows = pl.sum_horizontal(_zero("remapped_correctable"), _zero("remapped_uncorrectable"))
    grown, crc = pl.col("ecc_corrected_10min"), pl.col("nvlink_crc_errors_per_s")
    mild = [words for words, (_, severity) in RECOVERY.items() if severity is warning]
    known = [*RECOVERY, "none"]
    return (
        Finding(warning, rows >= limits.REMAPPED_ROWS, pl.format("{} rows remapped", rows), "rows-remapped"),
        Finding(
            warning,
            (pl.col("retired_pages_dbe") > limits.RETIRED_DOUBLE_BIT) & ~(_retired() >= limits.RETIRED_PAGES),
            pl.format("{} pages retired for double-bit errors", "retired_pages_dbe"),
            "retired-double-bit",
        ),
        Finding(
            warning,
            pl.col("is_retirement_pending"),
            pl.lit("page retirement pending: reset the GPU"),
            "retirement-pending",
        ),
        Finding(
            warning,
            grown >= limits.ECC_CORRECTED_10MIN,
            pl.format("{} ECC corrected in 10 min", grown.cast(pl.Int64, strict=False)),
            "ecc-corrected-rate",
        ),
        Finding(
            warning,
            crc >= limits.NVLINK_CRC_PER_S,
            pl.format("{} NVLink CRC errors/s", crc.round(0).cast(pl.Int64, strict=False)),
            "nvlink-crc",
        ),
        Finding(warning, pl.col("recovery_action").is_in(mild), _asked(), "recovery-action", voice=_driver()),
        Finding(
            warning,
            ~pl.col("recovery_action").is_in(known),
            pl.format("driver asks for {}", "recovery_action"),
            "recovery-action",
        ),
        Finding(warning, pl.col("is_ecc_change_pending"), pl.lit("ECC changes at the next reset"), "mode-pending"),
        Finding(warning, pl.col("is_mig_change_pending"), pl.lit("MIG changes at the next reset"), "mode-pending"),
    )


def _asked() -> pl.Expr:
    """What the driver asks for, in words."""
    words = {said: f"{ASKS}{action}" for said, (action, _) in RECOVERY.items()}
    return pl.col("recovery_action").replace_strict(words, default=None, return_dtype=pl.String)


def _driver() -> Voice:
    """What the driver asks for, as a voice of the verdict."""
    ranks = {said: int(remedy) for said, remedy in RECOVERY_REMEDY.items()}
    rank = pl.col("recovery_action").replace_strict(ranks, default=int(Remedy.WATCH), return_dtype=pl.Int8)
    return Voice(rank, pl.lit(SIGNALS["recovery-action"].source), _asked())


def _retired() -> pl.Expr:
    return pl.sum_horizontal(_zero("retired_pages_sbe"), _zero("retired_pages_dbe"))


def _zero(column: str) -> pl.Expr:
    return pl.col(column).fill_null(0)
