"""The web board's door, as one sees it in chat: links to come in by, and being signed out."""
