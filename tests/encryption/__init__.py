"""People with encrypting clients, and the bot."""
