"""One outside network each: feeds, e-mail, webhooks, calendars, directory."""
