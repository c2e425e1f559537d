"""What every web application of ours shares: problems, limits, headers, logs and metrics."""
