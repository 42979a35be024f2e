"""The one composition root: builds engine, ports and app. Only here do screen and engine meet."""
