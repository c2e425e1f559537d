"""The model over HTTP: ``/v1/categorize``, ``/v1/embed``, ``/v1/similar``."""
