"""The features, each by its rules, its handlers on a real database, and in rooms of a real homeserver."""
