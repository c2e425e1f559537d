"""Any image model of timm, by name, with the weights timm's authors publish.

``timm:inception_v4`` is the paper's image encoder (section 2.2).
"""

from collections.abc import Sequence

import numpy as np

from productnet.encoders.base import FloatArray, PixelArray
from productnet.encoders.export import required
from productnet.encoders.hub import hub_file, weights_version
from productnet.encoders.pictures import square_pixels
from productnet.encoders.runtime import on_every_core
from productnet.errors import EncoderError, did_you_mean

_IMAGES_PER_CALL = 16


class TimmEncoder:
    """A timm model without its classifier: pooled features (B, D)."""

    def __init__(self, model_name: str) -> None:
        self.name = f"timm:{model_name}"
        required("torch", encoder=self.name)
        timm = required("timm", encoder=self.name, extra="timm")
        import torch

        if not timm.is_model(model_name):
            hint = did_you_mean(model_name, timm.list_models())
            raise EncoderError(f'timm has no model "{model_name}". {hint}'.rstrip())
        published = timm.models.get_pretrained_cfg(model_name)
        if published is None or not published.hf_hub_id:
            raise EncoderError(f'timm publishes no weights for "{model_name}". Choose another.')
        weights = hub_file(published.hf_hub_id, "model.safetensors", encoder=self.name)
        network = timm.create_model(
            model_name,
            pretrained=True,
            num_classes=0,
            pretrained_cfg_overlay={"file": str(weights)},
        )
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.eval().to(self._device)
        config = timm.data.resolve_model_data_config(network)
        self.side = int(config["input_size"][-1])
        self._mean = torch.tensor(config["mean"], device=self._device) * 255
        self._scale = torch.tensor(config["std"], device=self._device) * 255
        self.version = f"1-{weights_version(network)}"
        self.dimension = int(network.num_features)

    def encode(self, images: Sequence[bytes]) -> FloatArray:
        """See ``ImageEncoder.encode``."""
        vectors = np.empty((len(images), self.dimension), np.float32)
        for start in range(0, len(images), _IMAGES_PER_CALL):
            some = images[start : start + _IMAGES_PER_CALL]
            pixels = np.stack(on_every_core(lambda one: square_pixels(one, self.side), some))
            vectors[start : start + len(some)] = self._features(pixels)
        return vectors

    def encode_pixels(self, pixels: PixelArray) -> FloatArray:
        """See ``ImageEncoder.encode_pixels``."""
        vectors = np.empty((len(pixels), self.dimension), np.float32)
        for start in range(0, len(pixels), _IMAGES_PER_CALL):
            some = pixels[start : start + _IMAGES_PER_CALL]
            vectors[start : start + len(some)] = self._features(some)
        return vectors

    def _features(self, decoded: PixelArray) -> FloatArray:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(decoded).to(self._device).float()  # (b, S, S, 3)
            pixels = ((pixels - self._mean) / self._scale).permute(0, 3, 1, 2)
            features: FloatArray = self._network(pixels).cpu().numpy()  # (b, 3, S, S) -> (b, D)
        return features
