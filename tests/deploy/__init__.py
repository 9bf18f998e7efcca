"""Production: the compose file, the image, and what they mount."""
