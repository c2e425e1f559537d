"""Local models: one binary classifier a leaf, retrained while people work (paper section 2.1)."""
