"""The model as a service for many who ask at once, without HTTP."""
