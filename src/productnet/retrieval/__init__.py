"""Sources of candidates for a leaf, one file each (paper section 2.1)."""
