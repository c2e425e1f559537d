"""The whole pool: the category of each product, and its partitions."""
