"""Runs on the host: Python 3.6 or newer, standard library and pynvml's one file; prints the wire protocol."""
