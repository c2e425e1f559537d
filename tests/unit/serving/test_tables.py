"""Columns of the tables that products' categories are written as."""

import numpy as np

from productnet.master.hierarchy import Tree
from productnet.serving.tables import deepest_columns


def test_where_nothing_is_sure_no_chance_is_told_either() -> None:
    tree = Tree([("Kitchen", "Mugs"), ("Kitchen", "Cups"), ("Fashion",)])
    chances = np.array([[0.4, 0.3, 0.3], [0.4, 0.1, 0.5]])
    labels, sure = deepest_columns(tree, chances, sure=0.6)
    assert labels.to_pylist() == ["Kitchen", None]
    assert np.isclose(sure[0].as_py(), 0.7)
    assert sure[1].as_py() is None
