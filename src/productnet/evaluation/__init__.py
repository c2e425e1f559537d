"""How well it works: metrics, baselines, simulated people and the report."""
