"""The YAML that people write, checked, with errors that say where and what."""
