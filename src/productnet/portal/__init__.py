"""The portal: the HTTP API, and the pages that people label in, which use nothing else."""
