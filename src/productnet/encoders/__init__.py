"""Pretrained encoders that start the loop (paper section 2.3), and the cache of their features."""
