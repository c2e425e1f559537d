"""The master model: one multi-modal network over all leaves (paper section 2.2)."""
