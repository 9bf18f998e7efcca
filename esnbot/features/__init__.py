"""One capability a folder, each whole and independent of the others."""
