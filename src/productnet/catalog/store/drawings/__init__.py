"""How each kind of product is drawn: recipes that turn chance into shapes, by department.

A recipe draws what its products have in common and lets chance decide the rest, so that no two
are alike and siblings overlap: a tumbler may be as stout as a mug, a kettle as round as a teapot.
"""
