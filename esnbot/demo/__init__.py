"""A week of a community's life in two minutes."""
