import numpy as np
import torch
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.fields.attention_lstm import AttentionLstm
from productnet.master.fields.columns import PAD, Bags, Vectors
from productnet.master.fields.dpcnn import Dpcnn
from productnet.master.fields.fasttext import FastText, ngrams
from productnet.master.fields.tfidf import Tfidf
from productnet.master.fields.words import UNKNOWN, Vocabulary, words


class Texts:
    """A field of texts only."""

    def __init__(self, *texts: str | None) -> None:
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def texts(self) -> list[str | None]:
        return self._texts

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        return [None] * len(rows)

    def has_image(self) -> np.ndarray:
        return np.zeros(len(self), dtype=bool)

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError


def test_words_keep_numbers_and_apostrophes_and_nothing_else() -> None:
    assert words("MEN'S Tee-Shirt_2.5oz, ½-Zip") == [
        "men's",
        "tee",
        "shirt",
        "2.5",
        "oz",
        "1",
        "2",
        "zip",
    ]


def test_a_rare_word_is_unknown_and_a_missing_text_is_padding() -> None:
    vocabulary = Vocabulary.learn(["red mug", "red cup mug", None], max_words=10)
    assert vocabulary.words == ("mug", "red")
    column = vocabulary.encode(["red vase", None, "mug mug mug"], max_length=2)
    ids, lengths = column.batch(np.array([0, 1, 2]))
    assert ids.tolist() == [[3, UNKNOWN], [PAD, PAD], [2, 2]]
    assert lengths.tolist() == [2, 1, 2]


def test_bags_cut_any_rows_in_any_order() -> None:
    column = Bags.of([[1, 2], [], [3], [4, 5, 6]], np.ones(4, dtype=bool))
    ids, starts = column.batch(np.array([3, 1, 0]))
    assert ids.tolist() == [4, 5, 6, 1, 2]
    assert starts.tolist() == [0, 3, 3]


@torch.no_grad()
def test_attention_lstm_is_the_weighted_mean_of_its_outputs() -> None:
    torch.manual_seed(0)
    encoder = AttentionLstm(["a", "b", "c"], width=4, hidden=3, max_length=5)
    ids = torch.tensor([[2, 4, 3]])
    said, _ = encoder.lstm(encoder.embed(ids))
    scores = [float(encoder.attend.weight[0] @ torch.tanh(word)) for word in said[0]]
    shares = np.exp(scores) / np.exp(scores).sum()
    expected = torch.tanh(sum(float(s) * word for s, word in zip(shares, said[0], strict=True)))
    torch.testing.assert_close(encoder(ids, torch.tensor([3]))[0], expected)


@torch.no_grad()
def test_dpcnn_equals_the_formula_of_its_paper() -> None:
    torch.manual_seed(0)
    encoder = Dpcnn(["a", "b", "c", "d"], width=4, maps=3, max_length=7)
    ids = torch.tensor([[2, 3, 4, 5, 1, 2, 3]])

    def convolve(layer: nn.Conv1d, x: torch.Tensor) -> torch.Tensor:
        zero = torch.zeros(len(x), 1)
        padded = torch.cat([zero, x, zero], dim=1)
        places = [
            torch.einsum("oik,ik->o", layer.weight, padded[:, at : at + 3])
            for at in range(x.shape[1])
        ]
        return torch.stack(places, dim=1) + torch.as_tensor(layer.bias)[:, None]

    x = convolve(encoder.region, encoder.embed(ids)[0].T)
    for number, block in enumerate(encoder.blocks):
        if number:
            x = torch.stack([x[:, at : at + 3].amax(1) for at in range(0, x.shape[1], 2)], dim=1)
        x = x + convolve(block.second, F.relu(convolve(block.first, F.relu(x))))  # type: ignore[arg-type]
    assert x.shape == (3, 1)
    torch.testing.assert_close(encoder(ids, torch.tensor([7]))[0], x[:, 0])


def test_fasttext_is_the_mean_over_words_bigrams_and_character_ngrams() -> None:
    assert ngrams("mug") == ["mug", "<mu", "<mug", "<mug>", "mug>", "ug>"]
    encoder = FastText(buckets=1_000, width=4, max_length=8)
    column = encoder.prepare(Texts("red mug", None))
    ids, starts = column.batch(np.array([0, 1]))
    # Six pieces of each word and one bigram.
    assert starts.tolist() == [0, 13]
    expected = encoder.embed.weight[ids].mean(dim=0)
    vectors = encoder(ids, starts)
    torch.testing.assert_close(vectors[0], expected)
    assert not vectors[1].any()


def test_tfidf_keeps_the_cosines_of_scikit_learn_s_features() -> None:
    texts = ["red mug", "red red cup", "blue mug", "blue cup cup"]
    encoder = Tfidf.learn(Texts(*texts), min_count=1)
    column = encoder.prepare(Texts(*texts, None))
    (placed,) = column.batch(np.arange(5))
    shared = {"sublinear_tf": True, "token_pattern": None}
    by_word = TfidfVectorizer(tokenizer=words, ngram_range=(1, 2), **shared)
    by_character = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    both = hstack([by_word.fit_transform(texts), by_character.fit_transform(texts)])
    expected = cosine_similarity(both)
    np.testing.assert_allclose((placed[:4] @ placed[:4].T).numpy(), expected, atol=1e-5)
    assert not placed[4].any()
    assert column.present.tolist() == [True, True, True, True, False]


def test_tfidf_hands_on_words_that_are_too_rare_for_the_axes() -> None:
    texts = Texts("red mug", "red cup", "red mug", None)
    few = Tfidf.learn(texts, max_features=4, width=2)
    both = Tfidf.learn(texts, max_features=4, width=2, words=True)
    assert (few.word_count, both.word_count) == (0, len(both.buckets))
    assert both.axes.shape == few.axes.shape
    assert both.word_count > 4
    column = both.prepare(texts)
    assert isinstance(column, Vectors)
    assert column.words is not None
    # In another order: texts 1, 3 and 0.
    placed, ids, weights, starts = column.batch(np.array([1, 3, 0]))
    torch.testing.assert_close(both(placed, ids, weights, starts), placed)
    assert starts.tolist() == [0, starts[2], starts[2]]
    dense = column.words.toarray()
    np.testing.assert_allclose(dense[0, ids[starts[2] :]], weights[starts[2] :])
    assert not dense[3].any()
    # Words and characters have unit length each.
    np.testing.assert_allclose((dense[[0, 1, 2]] ** 2).sum(axis=1), 2, rtol=1e-5)


def test_tfidf_has_the_same_axes_each_time() -> None:
    texts = Texts(*(f"{colour} {kind}" for colour in ("red", "blue") for kind in ("mug", "cup")))
    once, again = (Tfidf.learn(texts, min_count=1, width=2) for _ in range(2))
    assert torch.equal(once.axes, again.axes)
    assert once.dimension == 2
