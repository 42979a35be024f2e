"""Filesystems that are full, or read-only where they should not be, told by host."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.predictions import short_mount
from leptontui.health.ranking import with_columns_of
from leptontui.health.words import whole
from leptontui.model.health import Severity

SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "mount": pl.String(),
    "fstype": pl.String(),
    "total_bytes": pl.Float64(),
    "used_bytes": pl.Float64(),
    "available_bytes": pl.Float64(),
    "inodes_total": pl.Float64(),
    "inodes_used": pl.Float64(),
    "is_readonly": pl.Boolean(),
}
"""The columns that are looked at; any may be missing."""

_WELL: Final = pl.DataFrame(
    schema={
        "host": pl.String(),
        "filesystem_severity": pl.Int8(),
        "filesystem": pl.String(),
        "filesystem_more": pl.Int32(),
    }
)

IMAGES: Final = ("squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs")
"""Always full and read-only."""

_JOURNALLED: Final = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs")
"""Remounted read-only by the kernel after errors. Network filesystems are often mounted so by intent."""
_SYSTEM: Final = r"^/$|^/(var|home|tmp)(/|$)"
_BY_INTENT: Final = r"^/(boot|efi|usr|sysroot|ostree|nix|snap|run|media|cdrom)(/|$)"


def full_filesystems(filesystems: pl.DataFrame) -> pl.DataFrame:
    """One row per host with a finding: host, filesystem_severity, filesystem (words), filesystem_more (how many more).

    A read-only image or network mount is well; so is one below /boot, /usr and the like. Another data filesystem that
    is read-only is a warning, as it may be meant; the root, /var, /home and /tmp never are.
    """
    total = pl.when(pl.col("total_bytes") > 0).then(pl.col("total_bytes"))
    inodes = pl.when(pl.col("inodes_total") > 0).then(pl.col("inodes_total"))
    is_low = pl.col("__least") < limits.FILESYSTEM_WARNING_FREE_SHARE
    # Mount points are looked at only where something may be wrong: of thousands that is a handful.
    suspect = (
        with_columns_of(filesystems, SCHEMA)
        .with_columns(
            (pl.coalesce("available_bytes", total - pl.col("used_bytes")) / total).alias("__free"),
            ((inodes - pl.col("inodes_used")) / inodes).alias("__inodes_free"),
            pl.col("is_readonly").fill_null(value=False).alias("__readonly"),
        )
        # A read-only one cannot fill up further.
        .with_columns(
            pl.when(~pl.col("__readonly")).then(pl.min_horizontal("__free", "__inodes_free")).alias("__least")
        )
        .filter((pl.col("__readonly") & pl.col("fstype").is_in(_JOURNALLED)) | is_low)
    )
    if not suspect.height:
        return _WELL
    is_critical = (
        pl.when("__readonly")
        .then(pl.col("mount").str.contains(_SYSTEM))
        .otherwise(pl.col("__least") < limits.FILESYSTEM_CRITICAL_FREE_SHARE)
    )
    flagged = suspect.filter(
        ~pl.col("fstype").fill_null("").is_in(IMAGES)
        & ~(pl.col("__readonly") & pl.col("mount").str.contains(_BY_INTENT))
    ).with_columns(
        pl.when(is_critical)
        .then(int(Severity.CRITICAL))
        .otherwise(int(Severity.WARNING))
        .cast(pl.Int8)
        .alias("filesystem_severity")
    )
    return (
        flagged.sort(
            "filesystem_severity",
            "__readonly",
            "__least",
            "mount",
            descending=[True, True, False, False],
            nulls_last=True,
        )
        .group_by("host", maintain_order=True)
        .agg(
            pl.col("filesystem_severity").first(),
            _words().first().alias("filesystem"),
            (pl.len().cast(pl.Int32) - 1).alias("filesystem_more"),
        )
    )


def _words() -> pl.Expr:
    mount = pl.col("mount").map_elements(short_mount, return_dtype=pl.String)
    by_inodes = (pl.col("__inodes_free") < pl.col("__free")) | pl.col("__free").is_null()
    return (
        pl.when("__readonly")
        .then(pl.format("{} is read-only", mount))
        .when(by_inodes)
        .then(pl.format("{} {} % inodes free", mount, whole(pl.col("__inodes_free") * 100)))
        .otherwise(pl.format("{} {} % free", mount, whole(pl.col("__free") * 100)))
    )
