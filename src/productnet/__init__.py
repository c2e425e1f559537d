"""ProductNet: from raw product listings to a labelled dataset and a product representation."""

__version__ = "0.1.0"
