"""Readers of product feeds, one file each, behind one registry."""
