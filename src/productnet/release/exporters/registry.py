"""Every format that a release can be exported in, by name."""

from productnet.registry import Entry, Registry
from productnet.release.exporters.base import Exporter

_HERE = "productnet.release.exporters"

EXPORTERS = Registry[type[Exporter]](
    "export format",
    {
        "parquet": Entry(f"{_HERE}.parquet:Parquet", "Parquet, images in it; as a release is"),
        "imagefolder": Entry(
            f"{_HERE}.image_folder:ImageFolder", "a folder of images a leaf, and metadata.parquet"
        ),
        "webdataset": Entry(f"{_HERE}.webdataset:WebDataset", "tar files to stream from"),
        "jsonl": Entry(f"{_HERE}.jsonl:JsonLines", "an object a line; images as files"),
        "csv": Entry(f"{_HERE}.csv:Csv", "a table as text; images as files"),
        "lance": Entry(f"{_HERE}.lance:Lance", "Lance tables, images in them"),
        "embeddings-parquet": Entry(
            f"{_HERE}.vectors_parquet:VectorsParquet", "ids, labels and vectors as Parquet"
        ),
        "embeddings-npy": Entry(
            f"{_HERE}.vectors_npy:VectorsNpy", "vectors as NumPy files, ids and labels as CSV"
        ),
        "embeddings-safetensors": Entry(
            f"{_HERE}.vectors_safetensors:VectorsSafetensors",
            "vectors and labels as tensors, ids beside them",
        ),
    },
)
