"""Everything that speaks Matrix; the only package that imports mautrix or nio."""
