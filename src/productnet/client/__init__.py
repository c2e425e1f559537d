"""Typed clients of the portal's HTTP API and of the model's, for scripts and other systems."""

from productnet.client.answers import Answer
from productnet.client.client import Client
from productnet.client.model_client import ModelClient
from productnet.client.problems import ClientError

__all__ = ["Answer", "Client", "ClientError", "ModelClient"]
