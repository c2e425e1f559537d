"""The charts of training: how it went, and how rounds improved."""

from collections.abc import Sequence

from markupsafe import Markup

from productnet.evaluation.report.svg import Canvas, Scale, axes, rules, spread
from productnet.evaluation.round_metrics import Epoch, RoundMetrics


def learning_curve(history: Sequence[Epoch]) -> Markup:
    """Training loss, and validation accuracy where there was any, side by side."""
    losses = [epoch.loss for epoch in history]
    held_out = [epoch.validation_loss for epoch in history]
    accuracies = [epoch.accuracy for epoch in history]
    canvas = Canvas(
        520,
        250,
        title="Learning curve of the master model",
        description=f"{len(history)} epochs; training loss from {losses[0]:.2f} to "
        f"{losses[-1]:.2f}.",
    )
    highest = max([*losses, *(loss for loss in held_out if loss is not None)])
    last = max(2, len(history))
    left, loss_scale = Scale(1, last, 40, 220), Scale(0, highest * 1.05 or 1.0, 200, 36)
    axes(canvas, left, loss_scale, x_label="epoch", y_label="loss")
    _curve(canvas, left, loss_scale, losses, cls="line accent")
    _curve(canvas, left, loss_scale, held_out, cls="line gold dashed")
    canvas.text(216, 52, "train", cls="label accent end")
    if any(loss is not None for loss in held_out):
        canvas.text(216, 70, "validation", cls="label gold end")
    if known := [(value, epoch) for epoch, value in enumerate(accuracies, 1) if value is not None]:
        right, share = Scale(1, last, 312, 500), Scale(0, 1, 200, 36)
        axes(canvas, right, share, x_label="epoch", y_label="validation accuracy", percent=True)
        _curve(canvas, right, share, accuracies, cls="line accent")
        best, epoch = max(known, key=lambda item: item[0])
        canvas.mark("circle", cx=right(epoch), cy=share(best), r=4, cls="dot accent")
        canvas.text(right(epoch), share(best) + 22, f"{best:.1%}", cls="label accent end")
    return canvas.render()


def round_history(rounds: Sequence[RoundMetrics]) -> Markup:
    """Top-1 and top-5 accuracy by round, with the gold each was trained on."""
    canvas = Canvas(
        520,
        250,
        title="Accuracy by round",
        description="; ".join(
            f"round {one.round}: top-1 {one.master.top1:.1%}, top-5 {one.master.top5:.1%}"
            for one in rounds
        ),
    )
    x = Scale(0.5, len(rounds) + 0.5, 40, 430)
    lowest = min(one.master.top1 for one in rounds)
    y = Scale(max(0.0, int(lowest * 10 - 1) / 10), 1.0, 196, 36)
    rules(canvas, x, y, label="test products", percent=True)
    shown = {index for index in range(len(rounds)) if index % (1 + len(rounds) // 6) == 0}
    shown.add(len(rounds) - 1)
    for index, one in enumerate(rounds):
        if index in shown:
            canvas.text(x(index + 1), 216, f"round {one.round}", cls="tick middle")
            canvas.text(x(index + 1), 233, f"{one.master.n_train:,} gold", cls="tick middle faint")
    names = ("top-5", "top-1")
    values = [[one.master.top5 for one in rounds], [one.master.top1 for one in rounds]]
    ends = spread([y(line[-1]) for line in values], gap=17, low=30, high=200)
    for name, line, label_at in zip(names, values, ends, strict=True):
        tint = "accent" if name == "top-1" else "soft"
        points = [(x(index + 1), y(value)) for index, value in enumerate(line)]
        canvas.line(points, cls=f"line {tint}")
        for (px, py), one, value in zip(points, rounds, line, strict=True):
            tip = f"round {one.round}: {name} {value:.1%}"
            canvas.mark("circle", cx=px, cy=py, r=4, cls=f"dot {tint}", tip=tip)
        label = f"{name} {line[-1]:.1%}"
        canvas.text(points[-1][0] + 12, label_at + 4, label, cls=f"label {tint}")
    return canvas.render()


def _curve(canvas: Canvas, x: Scale, y: Scale, values: Sequence[float | None], *, cls: str) -> None:
    """A line over epochs from 1; a dot where there was only one."""
    points = [(x(epoch), y(value)) for epoch, value in enumerate(values, 1) if value is not None]
    if len(points) == 1:
        canvas.mark("circle", cx=points[0][0], cy=points[0][1], r=4, cls=cls.replace("line", "dot"))
    elif points:
        canvas.line(points, cls=cls)
