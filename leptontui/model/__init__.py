"""What the program speaks of: frozen dataclasses and the metric catalogue; standard library only."""
