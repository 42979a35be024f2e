"""Rules: what is to be told, as conditions over the latest values and what is derived from them."""
