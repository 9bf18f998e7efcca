"""Desired state, observed state, plan and apply."""
