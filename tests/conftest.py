"""All tests share the kit."""

from hypothesis import settings

pytest_plugins = ["esnbot.testing.plugin", "tests.clients.plugin"]

# A loaded machine is no failure; how long a test may take is pytest-timeout's business.
settings.register_profile("esnbot", deadline=None)
settings.load_profile("esnbot")
