"""Commands that make a model: ``train``, ``transfer``, and ``onnx``, which hands it on."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show
from productnet.cli.models import MODEL_PANEL, FeedArgument, LabelOption, ModelOption, chosen_model
from productnet.cli.options import (
    HERE,
    AddressOption,
    EngineOption,
    FormatOption,
    JsonOption,
    MapOption,
    ProjectOption,
    split_numbers,
    split_pairs,
)
from productnet.errors import UsageError
from productnet.progress import SILENT, Progress
from productnet.settings import EngineSettings, Settings

if TYPE_CHECKING:
    from productnet.master.model import MasterModel

NestedOption = Annotated[
    str | None,
    typer.Option(
        metavar="N,N…", help="Smaller dimensions at which the embedding serves too, cut off"
    ),
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write TensorBoard's event files there, and the learning curve (SVG)"
    ),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (train, transfer, onnx):
        app.command(rich_help_panel=MODEL_PANEL)(command)


def train(
    file: FeedArgument,
    label: LabelOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to save the model in")],
    preset: Annotated[str, typer.Option(help="Preset of the master model")] = "fast",
    dimension: Annotated[int, typer.Option(min=1, help="Dimension of the embedding")] = 256,
    image: Annotated[
        str | None, typer.Option(help="Another image encoder than the preset's")
    ] = None,
    nested: NestedOption = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the products [default: the preset's]")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Products a step [default: the preset's]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of training")] = 0,
    folds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Parts to calibrate by; 1 judges a share [default: 5, where that is quick]"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    compile: Annotated[
        bool, typer.Option("--compile", help="Make a program of the network first (torch.compile)")
    ] = False,
    log: LogOption = None,
    map: MapOption = None,
    format: FormatOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    json: JsonOption = False,
) -> None:
    """Train a master model on a labelled file, without a project.

    A training that was stopped goes on where it was when the same command is given again, and
    ends with the same weights. Several GPUs: torchrun --nproc-per-node 4 -m productnet train …

    Examples:
        productnet train products.parquet --label category --out model

        productnet train feed.csv --label category --preset paper --image efficientnet-lite0 -o m

        productnet train feed.csv --label category -o m --nested 64,128 --log logs

        productnet train feed.csv --label category -o m --engine ray --address 10.0.0.1:6379
    """
    from productnet.engine.registry import open_engine
    from productnet.master.model import MasterModel
    from productnet.master.team import leads_team

    _refuse_taken(out)
    checkpoints = out.with_name(f"{out.name}.checkpoints")
    training = partial(
        _train,
        file.resolve(),
        label,
        out.resolve(),
        model=partial(
            MasterModel,
            preset,
            dimension=dimension,
            seed=seed,
            image=image,
            nested=split_numbers(nested, option="--nested") if nested else None,
            epochs=epochs,
            batch_size=batch_size,
            device=device,
            compiled=compile,
        ),
        folds=folds,
        keeping=(checkpoints.resolve(), log.resolve() if log else None),
        mapping=split_pairs(map),
        format=format,
    )
    with open_engine(EngineSettings(), name=engine, address=address) as where:
        known = where.together(training, folder=out.with_name(f"{out.name}.team"))
    if not leads_team():
        return
    model = MasterModel.load(out)
    _finish(model, checkpoints, log)
    result = {
        "model": str(out),
        "products": known,
        "categories": len(model.classes),
        "history": [asdict(epoch) for epoch in model.history],
    }
    show(
        result,
        as_json=json,
        human=lambda: say(
            f"Trained on {known:,} products of {len(model.classes)} categories: {out}"
        ),
    )


def _train(
    file: Path,
    label: str,
    out: Path,
    *,
    model: Callable[[], "MasterModel"],
    folds: int | None,
    keeping: tuple[Path, Path | None],
    mapping: dict[str, str],
    format: str | None,
) -> int:
    """Train and save a model, alone or in a team; how many products it learnt from."""
    from productnet.master.cross_fit import folds_for
    from productnet.master.fitting import Keeping
    from productnet.serving.feeds import FeedProducts

    feed = FeedProducts(file, Settings(), mapping=mapping, format=format, label=label)
    products, labels = feed.table()
    known = {
        product: text
        for product, text in zip(products.column("id").to_pylist(), labels, strict=True)
        if text is not None
    }
    made = model()
    made.fit(
        products,
        known,
        folds=folds or folds_for(made.preset, len(known)),
        keeping=Keeping(*keeping),
        progress=_bars(),
    )
    made.save(out)
    return len(known)


def transfer(
    file: FeedArgument,
    target: Annotated[str, typer.Option("--target", help="Column with what is to be told")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to save the new model in")],
    kind: Annotated[
        str, typer.Option(help="labels (also yes or no), number, or auto: as the column looks")
    ] = "auto",
    model: ModelOption = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the products [default: the preset's]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of training")] = 0,
    log: LogOption = None,
    map: MapOption = None,
    format: FormatOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Teach a trained model another target: other labels, yes or no, or a number.

    The new model is used like any other, with --model: categorize, evaluate, encode, onnx. It goes
    on where it was when it was stopped.

    Examples:
        productnet transfer products.csv --target colour --out colours

        productnet transfer products.csv --target price --kind number --model model -o prices
    """
    from productnet.master.fitting import Keeping
    from productnet.master.targets import KINDS
    from productnet.serving.feeds import FeedProducts

    _refuse_taken(out)
    chosen_kind = next((one for one in KINDS if one == kind), None)
    if chosen_kind is None:
        raise UsageError(f'--kind takes {", ".join(KINDS)}; not "{kind}".')
    body, settings, _ = chosen_model(model, project)
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format, label=target)
    products, values = feed.table()
    checkpoints = out.with_name(f"{out.name}.checkpoints")
    tuned = body.finetune(
        products,
        values,
        kind=chosen_kind,
        epochs=epochs,
        seed=seed,
        keeping=Keeping(checkpoints, log),
        progress=_bars(),
    )
    tuned.save(out)
    _finish(tuned, checkpoints, log)
    known = sum(value is not None for value in values)
    told = "a number" if tuned.predicts_number else f"{len(tuned.classes)} labels"
    result = {
        "model": str(out),
        "products": known,
        "kind": "number" if tuned.predicts_number else "labels",
        "labels": list(tuned.classes),
        "history": [asdict(epoch) for epoch in tuned.history],
    }
    show(
        result,
        as_json=json,
        human=lambda: say(f"Learnt {told} ({target}) from {known:,} products: {out}"),
    )


def onnx(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write")],
    model: ModelOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write a model as ONNX, checked against torch, with a JSON file that says how to feed it.

    Examples:
        productnet onnx --out exported

        productnet onnx --model model --out exported
    """
    chosen = chosen_model(model, project).model
    exported = chosen.export_onnx(out)
    show(
        {"folder": str(out), "difference": exported.difference, "bytes": exported.bytes},
        as_json=json,
        human=lambda: say(
            f"Exported, {exported.bytes / 2**20:,.1f} MB; ONNX Runtime and torch differ by "
            f"{exported.difference:.1e} at most: {out}"
        ),
    )


def _refuse_taken(out: Path) -> None:
    if (out / "model.json").exists():
        raise UsageError(f"{out} holds a model already. Choose another folder.")


def _bars() -> Progress:
    """Bars of the first process of a team; the others draw none."""
    from productnet.master.team import leads_team

    return Bars() if leads_team() else SILENT


def _finish(model: "MasterModel", checkpoints: Path, log: Path | None) -> None:
    """The model is saved: its checkpoints go, and its learning curve is drawn beside its log."""
    from productnet.evaluation.report.curves import learning_curve
    from productnet.evaluation.report.render import write_chart
    from productnet.evaluation.round_metrics import Epoch

    shutil.rmtree(checkpoints, ignore_errors=True)
    if log is not None:
        history = [Epoch(one.loss, one.accuracy, one.validation_loss) for one in model.history]
        write_chart(log / "learning-curve.svg", learning_curve(history))
