"""The catalogue: products and their fields, readers of real feeds, images and the pool."""
