"""How the bot speaks: catalogues, dates, numbers, lists, Markdown to safe HTML."""
