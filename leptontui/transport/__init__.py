"""SSH and local transports: the only importer of asyncssh."""
