"""Every kind of local model, by name."""

from productnet.local.model import LocalModel
from productnet.registry import Entry, Registry

DEFAULT = "logistic-regression"

LOCAL_MODELS = Registry[type[LocalModel]](
    "local model",
    {
        DEFAULT: Entry(
            "productnet.local.logistic_regression:LogisticRegression",
            "linear, refitted in milliseconds; the default",
        ),
    },
)
