"""Every source of candidates, by name."""

from productnet.registry import Entry, Registry
from productnet.retrieval.candidates import Source

DEFAULT = "mixed"

SOURCES = Registry[type[Source]](
    "source",
    {
        "mixed": Entry("productnet.retrieval.mixed:Mixed", "a blend of all; the default"),
        "active": Entry("productnet.retrieval.active:Active", "what the local model asks for"),
        "nearest": Entry("productnet.retrieval.nearest:Nearest", "neighbours of the positives"),
        "keyword": Entry("productnet.retrieval.keyword:Keyword", "text like the leaf's name"),
        "adhoc": Entry("productnet.retrieval.adhoc:AdHoc", "given ids, a text or an image"),
        "master": Entry("productnet.retrieval.master:Master", "the master model's categories"),
        "random": Entry("productnet.retrieval.random:Random", "any product, by chance"),
    },
)
