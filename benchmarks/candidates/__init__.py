"""Our sources beside what people use today: ``python -m benchmarks.candidates --help``."""
