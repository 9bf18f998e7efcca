"""Who wants to start a community is taken along: from the idea to a group that lives."""
