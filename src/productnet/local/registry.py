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
        "naive-bayes": Entry(
            "productnet.local.naive_bayes:NaiveBayes",
            "a Gaussian a class and coordinate; steady from the first label on",
        ),
        "mlp": Entry(
            "productnet.local.mlp:Mlp",
            "one hidden layer of 64, for leaves that no straight cut separates",
        ),
    },
)
