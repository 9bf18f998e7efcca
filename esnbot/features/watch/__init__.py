"""Watch: outside sources for each line; what is new is queued for the animators, what they pick becomes a draft."""
