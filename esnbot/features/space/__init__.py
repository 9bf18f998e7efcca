"""Spaces that members can add groups to, and only a group's owners and animators take out of again."""
