"""How well the presets classify, beside what a team would use instead."""
