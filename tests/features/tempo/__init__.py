"""What a room bears, and the plan of the coming weeks."""
