"""The portal under load, and killed under load."""
