"""What people can say about groups: the commands, declared file by file; ``feature.py`` puts them together."""
