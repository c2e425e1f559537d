"""Weights from the Hugging Face hub, or from its local cache where the hub cannot be reached."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from productnet.encoders.export import required
from productnet.errors import EncoderError

if TYPE_CHECKING:
    import torch

# The hub's own client tries again for more than a minute; a person should not wait for that.
_PATIENCE_SECONDS = 4.0


def hub_is_reachable() -> bool:
    """Whether the hub answers soon; False where ``HF_HUB_OFFLINE`` forbids asking."""
    import httpx

    constants = required("huggingface_hub.constants", encoder="hub")
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        httpx.head(constants.ENDPOINT, timeout=_PATIENCE_SECONDS)
    except httpx.HTTPError:
        return False
    return True


def hub_file(repository: str, name: str, *, encoder: str) -> Path:
    """A file of a hub repository, downloaded if it is not in the local cache yet.

    Raises EncoderError if it is not there and cannot be had.
    """
    hub = required("huggingface_hub", encoder=encoder)
    cached = hub.try_to_load_from_cache(repository, name)
    if isinstance(cached, str):
        return Path(cached)
    if not hub_is_reachable():
        raise unreachable(encoder)
    try:
        return Path(hub.hf_hub_download(repository, name))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f'The hub does not give the weights of encoder "{encoder}" ({repository}/{name}): '
            f"{error}. Check the name, or choose another encoder in productnet.toml."
        ) from error


def unreachable(encoder: str) -> EncoderError:
    """The error that says that an encoder's weights cannot be had without the hub."""
    return EncoderError(
        f'The weights of encoder "{encoder}" are not on this machine, and the Hugging Face hub '
        "cannot be reached from it. Connect, copy them into the hub's cache folder, or choose an "
        "encoder that ships as a package: efficientnet-lite0, minilm or static."
    )


def weights_version(network: "torch.nn.Module") -> str:
    """A hash of all the weights of a network, by name: 16 hex digits."""
    import torch

    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
