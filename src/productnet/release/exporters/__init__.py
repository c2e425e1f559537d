"""Exporters: a release in the format of this or that ecosystem, one file each."""
