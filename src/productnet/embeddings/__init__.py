"""Stamped embedding sets of the whole pool, and nearest neighbours in them."""
