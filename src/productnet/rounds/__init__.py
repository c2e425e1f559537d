"""The loop as resumable steps: train, evaluate, embed, index, recommend, activate."""
