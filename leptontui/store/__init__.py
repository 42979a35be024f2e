"""Fleet history in polars frames."""
