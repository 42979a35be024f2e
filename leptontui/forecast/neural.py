"""The neural member: one LSTM for each class of metrics, fitted now and then beside the forecasts. Worker only.

It is asked for with `--neural` and needs `leptontui[neural]` (neuralforecast). It has no weight until forecasts of its
own were scored, and then only where its realised error is less than the others'.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from leptontui.forecast.grid import Values
from leptontui.forecast.past import Past, filled

log = logging.getLogger(__name__)

NAME: Final = "LSTM"
MISSING: Final = "the neural member is not installed: pip install 'leptontui[neural]'"
LEAST_SERIES: Final = 4
"""With fewer series of a class nothing is fitted."""
LEAST_POINTS: Final = 120
"""Shorter pasts are not learned from, and not forecast."""
MOST_SERIES: Final = 64
"""The series of a class last seen are learned from."""
AGAIN_AFTER_S: Final = 3600.0
"""A class is fitted again once its series have gone on for so long."""
MOST_STEPS: Final = 90
"""Further ahead it says nothing: what it takes to fit grows with the horizon."""

Predict = Callable[[Values], Values]
"""From a past, standardised, shape (n,), to the next `MOST_STEPS`, shape (`MOST_STEPS`,)."""
Fit = Callable[[Sequence[Values]], Predict]
"""From pasts, standardised, to a fitted model."""


@dataclass(slots=True)
class _Class:
    """What is kept of one class of metrics."""

    pasts: OrderedDict[str, Values] = field(default_factory=OrderedDict)
    predict: Predict | None = None
    fitted_at_s: float | None = None
    is_fitting: bool = False


class Neural:
    """A member of the portfolio; see `learner.Member`.

    Args:
        fit: fits a model to pasts.
        in_background: fit on a thread; else before the forecast that is due (in a backtest).

    Attributes:
        name: as the portfolio calls it.
    """

    name = NAME

    def __init__(self, fit: Fit, *, in_background: bool = True) -> None:
        self._fit = fit
        self._in_background = in_background
        self._classes: dict[str, _Class] = {}
        self._is_broken = False

    def path(self, past: Past, steps: int) -> Values | None:
        """Its point forecast, shape (steps,); None where it has none."""
        values = filled(past.values)
        values = values[np.isfinite(values)]
        if self._is_broken or len(values) < LEAST_POINTS:
            return None
        kept = self._classes.setdefault(past.metric, _Class())
        kept.pasts[past.key] = values
        kept.pasts.move_to_end(past.key)
        if len(kept.pasts) > MOST_SERIES:
            kept.pasts.popitem(last=False)
        self._refit(kept, past.t_unix_s)
        if kept.predict is None or steps > MOST_STEPS:
            return None
        centre, scale = _standard(values)
        try:
            made = np.asarray(kept.predict((values - centre) / scale), dtype=np.float64)[:steps]
        except Exception as error:  # noqa: BLE001 — the library's boundary: logged, and told by its absence
            self._broke(error)
            return None
        return made * scale + centre if len(made) == steps and np.isfinite(made).all() else None

    def _refit(self, kept: _Class, now_s: float) -> None:
        """Fit a class where that is due."""
        is_due = kept.fitted_at_s is None or abs(now_s - kept.fitted_at_s) >= AGAIN_AFTER_S
        if kept.is_fitting or not is_due or len(kept.pasts) < LEAST_SERIES:
            return
        kept.is_fitting, kept.fitted_at_s = True, now_s
        pasts = []
        for values in kept.pasts.values():
            centre, scale = _standard(values)
            pasts.append((values - centre) / scale)
        if self._in_background:
            threading.Thread(target=self._fit_class, args=(kept, pasts), name="LSTM", daemon=True).start()
        else:
            self._fit_class(kept, pasts)

    def _fit_class(self, kept: _Class, pasts: list[Values]) -> None:
        try:
            kept.predict = self._fit(pasts)
        except Exception as error:  # noqa: BLE001 — a thread's boundary: likewise
            self._broke(error)
        finally:
            kept.is_fitting = False

    def _broke(self, error: Exception) -> None:
        """The library is at fault: forecasts go on without it."""
        log.error("the neural member failed, and is not asked any more", exc_info=error)
        self._is_broken = True


def is_installed() -> bool:
    """Whether there is what it needs; loads nothing of it."""
    return importlib.util.find_spec("neuralforecast") is not None


def neural_members() -> tuple[tuple[Neural, ...], str]:
    """The neural member; or none, and why, in words."""
    return ((Neural(fit_lstm),), "") if is_installed() else ((), MISSING)


def fit_lstm(pasts: Sequence[Values]) -> Predict:
    """Fit one LSTM to many pasts, by neuralforecast, on one core: some ten seconds.

    Raises:
        ImportError: it is not installed.
    """
    pandas: Any = importlib.import_module("pandas")
    library: Any = importlib.import_module("neuralforecast")
    models: Any = importlib.import_module("neuralforecast.models")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    shortest = min(map(len, pasts))
    model = models.LSTM(
        h=MOST_STEPS,
        input_size=min(180, max(30, shortest - MOST_STEPS)),
        encoder_n_layers=1,
        encoder_hidden_size=32,
        decoder_layers=1,
        decoder_hidden_size=32,
        max_steps=100,
        batch_size=16,
        windows_batch_size=64,
        scaler_type="robust",
        start_padding_enabled=True,
        random_seed=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    fitted = library.NeuralForecast(models=[model], freq=1)

    def frame(values: Sequence[Values]) -> Any:  # noqa: ANN401 — pandas is not typed here
        lengths = [len(one) for one in values]
        return pandas.DataFrame(
            {
                "unique_id": np.repeat(np.arange(len(values)), lengths),
                "ds": np.concatenate([np.arange(length) for length in lengths]),
                "y": np.concatenate(values),
            }
        )

    fitted.fit(frame(pasts))

    def predict(past: Values) -> Values:
        found: Values = fitted.predict(frame([past]))[NAME].to_numpy()
        return found

    return predict


def _standard(values: Values) -> tuple[float, float]:
    """Centre and scale of a past."""
    return float(values.mean()), float(values.std()) or 1.0
