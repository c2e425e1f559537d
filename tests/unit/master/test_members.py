"""Several members in one network: one embedding, one linear classifier (eq. 1)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from productnet.master.fields.frozen import Frozen
from productnet.master.network import Batch, MasterNetwork, Member, member_widths
from productnet.master.presets import PRESETS, Preset

PRESET = replace(PRESETS["best"], members=3, hidden=8, kernel=0.0, linear=0.0)


def network(
    preset: Preset = PRESET, *, dimension: int = 7, abstains: bool = False
) -> MasterNetwork:
    torch.manual_seed(0)
    encoders = {
        "title": Frozen(encoder="a", dimension=5, scale=1.0),
        "image": Frozen(encoder="b", dimension=4, scale=1.0),
    }
    return MasterNetwork(encoders, preset, dimension=dimension, classes=6, abstains=abstains)


def products(count: int = 9) -> Batch:
    generator = torch.Generator().manual_seed(1)
    present = torch.ones(count, 2, dtype=torch.bool)
    present[0, 1] = False
    values = {
        name: (torch.randn(count, width, generator=generator),)
        for name, width in (("title", 5), ("image", 4))
    }
    return Batch(values, present)


@pytest.mark.parametrize("abstains", [False, True])
def test_the_mean_of_the_members_is_linear_in_the_embedding(abstains: bool) -> None:
    ensemble = network(abstains=abstains).eval()
    embedded = ensemble.embed(products())
    assert embedded.shape == (9, 7)
    of_each = ensemble.member_logits(embedded)
    assert len(of_each) == 3
    assert not torch.allclose(of_each[0], of_each[1])
    equation_1 = F.linear(embedded, ensemble.classify.weight, ensemble.classify.bias)
    logits = ensemble(products())
    torch.testing.assert_close(logits[:, :6], equation_1)
    torch.testing.assert_close(torch.stack(of_each).mean(dim=0), logits)


def test_each_member_answers_as_it_would_alone() -> None:
    ensemble = network().eval()
    joined = torch.cat([one[0] for one in products().inputs.values()], dim=1)
    assert ensemble.absent is not None
    joined[0, 5:] = ensemble.absent["image"]
    start = 0
    for member, said in zip(
        ensemble.members, ensemble.member_logits(ensemble.embed(products())), strict=True
    ):
        assert isinstance(member, Member)
        weight = ensemble.classify.weight[:, start : start + member.width]
        alone = F.linear(member(joined), weight, ensemble.classify.bias)
        torch.testing.assert_close(said, alone)
        start += member.width


def test_a_member_learns_from_its_own_mistakes_only() -> None:
    ensemble = network(replace(PRESET, dropout=0.0, field_dropout=0.0))
    said = ensemble.member_logits(ensemble.embed(products()))[1]
    torch.autograd.backward(said.square().sum())
    reached = [
        any(one.grad is not None and one.grad.any() for one in member.parameters())
        for member in ensemble.members
    ]
    assert reached == [False, True, False]


def test_the_embedding_s_dimension_is_shared_out() -> None:
    assert member_widths(256, 8) == [32] * 8
    assert sum(member_widths(100, 7)) == 100
    assert member_widths(2, 8) == [1, 1]
    assert len(network(dimension=2).members) == 2


def test_swapped_fields_are_another_product_s_and_only_in_training() -> None:
    swapping = network(replace(PRESET, field_swap=1.0, field_dropout=0.0))
    batch = products(200)
    encoded = [one[0] for one in batch.inputs.values()]
    fields, present = swapping._disturbed(encoded, batch.present)
    moved = (fields[0] != encoded[0]).any(dim=1)
    assert moved.float().mean() > 0.9
    assert set(map(tuple, fields[0].tolist())) == set(map(tuple, encoded[0].tolist()))
    # What is missing moves with its product.
    row = int(torch.nonzero(~present[:, 1])[0, 0])
    torch.testing.assert_close(fields[1][row], encoded[1][0])
    swapping.eval()
    same, _ = swapping._disturbed(encoded, batch.present)
    assert np.array_equal(same[0].numpy(), encoded[0].numpy())
