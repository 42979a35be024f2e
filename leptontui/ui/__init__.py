"""The Textual app: reads snapshots, sends commands through ports."""
