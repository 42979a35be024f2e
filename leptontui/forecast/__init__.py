"""Forecasts with bands, computed in a worker process: the only importer of statsforecast."""
