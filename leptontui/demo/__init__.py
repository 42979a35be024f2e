"""A simulated fleet, served over real SSH on loopback, with scripted incidents."""
