"""A typed client of the portal's HTTP API, for scripts and other systems."""

from productnet.client.answers import Answer
from productnet.client.client import Client
from productnet.client.problems import ClientError

__all__ = ["Answer", "Client", "ClientError"]
