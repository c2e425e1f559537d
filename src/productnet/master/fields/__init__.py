"""Field encoders: how one field of a product becomes a vector inside the master model."""
