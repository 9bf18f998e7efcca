"""The enterprise social network that runs on Matrix: declared communities and an animation bot."""
