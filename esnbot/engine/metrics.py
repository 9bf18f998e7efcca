"""What the engine counts, as Prometheus metrics; the web front shows them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Counters of one engine, on a registry of its own so that tests can have many."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._accepted = Counter("esnbot_events_accepted", "Events stored from transactions", registry=self.registry)
        self._handled = Counter("esnbot_events_handled", "Events handled", registry=self.registry)
        self._letters = Counter("esnbot_dead_letters", "Events and effects set aside", registry=self.registry)
        self._dropped = Counter(
            "esnbot_dead_letters_dropped",
            "Malformed events that made room for newer ones",
            registry=self.registry,
        )
        self._handlers = Histogram(
            "esnbot_handler_seconds",
            "Time that a module takes with an event",
            ["module"],
            registry=self.registry,
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
        )
        self._delivered = Counter("esnbot_effects_delivered", "Effects delivered", ["kind"], registry=self.registry)
        self._troubles = Counter(
            "esnbot_homeserver_errors", "Answers of the homeserver that were errors", ["kind"], registry=self.registry
        )
        self._delivery = Histogram(
            "esnbot_delivery_seconds", "From an effect's commit to its delivery", registry=self.registry
        )

    def accepted(self, events: int) -> None:
        """A transaction with that many events was committed."""
        self._accepted.inc(events)

    def handled(self, events: int, letters: int) -> None:
        """A batch was committed."""
        self._handled.inc(events)
        self._letters.inc(letters)

    def handler(self, module: str, seconds: float) -> None:
        """A module looked at an event."""
        self._handlers.labels(module).observe(seconds)

    def delivered(self, kind: str, seconds: float) -> None:
        """An effect reached the homeserver, that long after its commit."""
        self._delivered.labels(kind).inc()
        self._delivery.observe(max(seconds, 0.0))

    def dropped(self, letters: int) -> None:
        """That many letters made room for newer ones."""
        self._dropped.inc(letters)

    def died(self) -> None:
        """An effect was set aside."""
        self._letters.inc()

    def trouble(self, kind: str) -> None:
        """The homeserver did not do what was asked."""
        self._troubles.labels(kind).inc()
