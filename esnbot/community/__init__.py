"""The model: what a community is, as plain values that know nothing of files, rooms or databases."""
