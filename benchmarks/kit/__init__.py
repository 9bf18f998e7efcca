"""What the benchmarks share: programs, loads, a stub homeserver, and rooms on a real one."""
