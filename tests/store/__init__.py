"""The database: commits, schema, what is known of rooms, leases."""
