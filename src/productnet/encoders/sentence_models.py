"""Any sentence-transformer, by its name on the hub or a local folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from productnet.encoders.base import FloatArray
from productnet.encoders.export import required
from productnet.encoders.hub import hub_is_reachable, unreachable, weights_version
from productnet.encoders.texts import well_formed
from productnet.errors import EncoderError


class SentenceEncoder:
    """A sentence-transformer: (B, D), as the model itself pools and normalises."""

    def __init__(self, model_name: str) -> None:
        self.name = f"sentence-transformers:{model_name}"
        library = required(
            "sentence_transformers", encoder=self.name, extra="sentence-transformers"
        )
        local = Path(model_name).is_dir()
        reachable = not local and hub_is_reachable()
        try:
            self._model = library.SentenceTransformer(
                model_name,
                local_files_only=not reachable,
                # Never a pickled checkpoint.
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            if not local and not reachable:
                raise unreachable(self.name) from error
            raise EncoderError(
                f'Encoder "{self.name}" cannot be loaded: {error}. Check the name; its weights '
                "have to be in safetensors format."
            ) from error
        self.version = f"1-{weights_version(self._model)}"
        self.dimension = int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """See ``TextEncoder.encode``."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors: FloatArray = self._model.encode(
            [well_formed(text) for text in texts], show_progress_bar=False
        )
        return vectors.astype(np.float32)
