"""What the loop is for: categories, embeddings and similar products for anyone who asks."""
