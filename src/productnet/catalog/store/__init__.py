"""The generated store: a small shop with drawn pictures and the real world's faults, at any size.

``stream`` makes products, ``files`` writes them as a feed with its taxonomy and, apart from it, the
reference labels. Demo, tests and scale benchmarks live on it.
"""
