"""The embedded homeserver and the test kit, for real."""
