"""What `esnbot doctor` looks at: the configuration's files, the database, the homeserver, and the way between them."""
