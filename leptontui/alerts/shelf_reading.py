"""Reads the alerts' database from outside of a running watch: which fleets it has, and what it has of one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from leptontui.alerts.judgement import Judgements
from leptontui.alerts.shelf import Shelf
from leptontui.alerts.shelf_file import in_words, open_database
from leptontui.errors import AlertError
from leptontui.model.alert import PredictionRecord

JUDGEMENTS = "judgements"
"""Name under which is kept how predictions have done."""


def fleets_of(path: Path) -> tuple[str, ...]:
    """The fleets that a database has anything of, the one of which something happened last first.

    Raises:
        AlertError: there is no such file, or it cannot be read.
    """
    if not path.exists():
        raise AlertError(f"no alerts have been kept yet: there is no {path}", "they are, while leptontui watches")
    database, _ = open_database(path)
    with in_words(path):
        try:
            rows = database.execute(
                "SELECT scope FROM (SELECT scope, max(n) AS n FROM transitions GROUP BY scope"
                " UNION ALL SELECT scope, 0 FROM lease) GROUP BY scope ORDER BY max(n) DESC, scope"
            ).fetchall()
        finally:
            database.close()
    return tuple(scope for (scope,) in rows)


def chosen_fleet(fleets: Iterable[str], wanted: str | None) -> str:
    """The fleet that is meant.

    Args:
        fleets: those there are, the likeliest first.
        wanted: a part of its name; None for the likeliest.

    Raises:
        AlertError: there is none, or several have that part.
    """
    known = list(fleets)
    if not known:
        raise AlertError("no alerts have been kept yet", "they are, while leptontui watches")
    if wanted is None:
        return known[0]
    exact = [fleet for fleet in known if fleet == wanted]
    found = exact or [fleet for fleet in known if wanted in fleet]
    if len(found) == 1:
        return found[0]
    listed = "; ".join(found or known)
    raise AlertError(
        f"{len(found)} fleets have {wanted!r} in their name" if found else f"no fleet has {wanted!r} in its name",
        f"name one of: {listed}",
    )


def predictions_of(shelf: Shelf) -> tuple[PredictionRecord, ...]:
    """How predictive rules have done so far, as it was last written down.

    Raises:
        AlertError: the database cannot be read.
    """
    records = judgements_of(shelf.kept(JUDGEMENTS)).records.values()
    return tuple(sorted(records, key=lambda record: record.rule))


def judgements_of(text: str) -> Judgements:
    """How predictions have done, as it was written down; nothing if it cannot be read."""
    try:
        return msgspec.json.decode(text, type=Judgements) if text else Judgements()
    except msgspec.DecodeError:
        return Judgements()
