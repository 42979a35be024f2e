"""Pure functions from values to terminal segments."""
