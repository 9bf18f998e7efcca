"""Speed and size, measured with others beside: `make bench` (docs/benchmarks.md says what each row means)."""
