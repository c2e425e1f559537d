"""The category tree that people label leaf by leaf, and a guideline for each category."""
