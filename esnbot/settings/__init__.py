"""The YAML that people write, checked, with errors that say where and what."""

from esnbot.settings.homeserver import Homeserver
from esnbot.settings.load import Settings, Web, load
from esnbot.settings.mistakes import Mistake, SettingsError

__all__ = ["Homeserver", "Mistake", "Settings", "SettingsError", "Web", "load"]
