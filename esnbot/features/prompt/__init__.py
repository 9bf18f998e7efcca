"""Discussion prompts on a declared tempo."""
