"""Settings and inventory, read from files and arguments, with every problem as data."""
