"""Where sources meet store meets forecasts: collects, evaluates, publishes."""
