"""Grammar, registry, permissions and help of the chat commands."""
