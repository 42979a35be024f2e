"""What is wrong with a GPU or a host, and who says so."""
