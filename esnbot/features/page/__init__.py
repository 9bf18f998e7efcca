"""Pages: what a group knows, written together, with links, history, and no word lost when two write at once.

Public: nothing yet is called by other features; search finds pages, and templates bring first ones by the domain
event of a group that is born.
"""
