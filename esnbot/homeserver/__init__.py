"""The embedded Synapse, run as a child process."""
