"""Where state lives: the database, its migrations, and nothing about what the state means."""
