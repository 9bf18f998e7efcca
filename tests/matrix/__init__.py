"""The homeserver's side: the transaction endpoint, and answers of all kinds."""
