"""All tests share the kit."""

pytest_plugins = ["esnbot.testing.plugin"]
