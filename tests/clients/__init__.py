"""The bot with clients that are not ours."""
