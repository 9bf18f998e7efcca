"""The frame of the board: one listener for the homeserver's transactions, health, metrics and the features' pages."""

from esnbot.web.frame import make_app
from esnbot.web.metrics import Figures, Gauges
from esnbot.web.page import Page
from esnbot.web.readiness import Readiness
from esnbot.web.server import ListenError, WebServer

__all__ = ["Figures", "Gauges", "ListenError", "Page", "Readiness", "WebServer", "make_app"]
