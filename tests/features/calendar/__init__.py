"""The editorial calendar."""
