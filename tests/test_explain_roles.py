"""Heads whose weights were set by hand are called what they were made to be, and chance is called nothing."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import GPT2Config, GPT2LMHeadModel

from explain.attention import capture
from explain.passage import Passage
from explain.results import CROSS, ENCODER, SELF, AttentionMap, without_sink
from explain.roles import ROLES, glances, head_roles
from explain.words import Piece, Span
from narrative.errors import ExplainError, SettingsError
from narrative.models import LanguageModel, ModelCard

TEXT = "Once a small fox met the old king and the small bear saw the old king , so The SMALL fox ran"
WORDS = TEXT.split()
PLACES = 24


def read(text: str = TEXT) -> tuple[LanguageModel, Passage]:
    """A GPT-2 of two layers and two heads that was never trained: its weights are set so that the first head of layer 1 looks at
    the token before, and the first head of layer 2 at what followed the token's earlier appearance. Second heads look evenly.

    Every token is a word. A vector has a part for the token, one for its place and one for the token before (written by layer 1).
    """
    words = sorted(set(text.casefold().split()))
    kinds, gain = len(words), 20.0
    width = 2 * kinds + PLACES
    width += width % 2
    head = width // 2
    config = GPT2Config(vocab_size=kinds, n_positions=PLACES, n_embd=width, n_layer=2, n_head=2)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "ln_" not in name:
                weight.zero_()
        token, place, before = range(kinds), range(kinds, kinds + PLACES), range(kinds + PLACES, 2 * kinds + PLACES)
        model.transformer.wte.weight[token, token] = 1
        model.transformer.wpe.weight[range(PLACES), place] = 1
        first, second = (cast(Any, block).attn for block in model.transformer.h)
        first.c_attn.weight[place[1:], range(PLACES - 1)] = gain  # query: the place before mine
        first.c_attn.weight[place, [width + column for column in range(PLACES)]] = gain  # key: my place
        first.c_attn.weight[token, [2 * width + column for column in token]] = 0.1  # value: my token
        first.c_proj.weight[token, before] = 1  # written into a part of its own
        second.c_attn.weight[token, token] = gain  # query: my token
        second.c_attn.weight[before, [width + column for column in token]] = gain  # key: the token before mine
    assert head >= max(kinds, PLACES)
    pieces = tuple(Piece(words.index(word.casefold()), f" {word}", word) for word in text.split())
    card = ModelCard("planted", "Planted", "", "folder")
    return LanguageModel("planted", model, cast(Any, None), "causal", PLACES, "0", card), Passage("planted", "0", "causal", pieces, ())


def a_map(weights: NDArray[Any], text: str, *, name: str = SELF, prompt: str | None = None) -> AttentionMap:
    """weights: (head, query, key) of one layer, made to sum to 1 over what may be seen."""
    causal = name == SELF
    seen = np.tril(weights) if causal else weights
    spans, keys = ([Span(place, place + 1, word) for place, word in enumerate(side.split())] for side in (text, prompt or text))
    rows = (seen / seen.sum(-1, keepdims=True))[None].astype(np.float32)
    return AttentionMap(name, rows, tuple(spans), tuple(keys), causal, len(spans), len(keys))


def looking(targets: list[int], width: int) -> NDArray[np.float64]:
    """(head 1, query, key): each query looks at one key, and very little at the others."""
    return np.eye(width)[targets][None] + 1e-3


def random_looks(heads: int, words: int, *, spread: float, seed: int = 0) -> NDArray[np.float64]:
    return np.exp(spread * np.random.default_rng(seed).normal(size=(heads, words, words)))


def test_planted_heads_are_named() -> None:
    model, passage = read()
    maps = capture(model, passage)
    found = head_roles(maps.by_words().map())
    assert found.names == (("previous word", "broad"), ("induction", "broad"))
    assert (found.strength > 0.8).all()
    assert found.repeats


def test_an_induction_head_that_rests_on_the_first_word_is_still_one() -> None:
    """Most words come once, and there it looks at the first word: that doesn't make it a first-word head."""
    text = "Now every fox that met a king and a bear and a cat found gold , said that king to one"
    words = text.split()
    targets = [0] * len(words)
    last: dict[str, int] = {}
    for place, word in enumerate(words):
        targets[place] = last.get(word, -1) + 1
        last[word] = place
    one = a_map(looking(targets, len(words)), text)
    assert targets.count(0) > len(words) / 2
    assert head_roles(one).names == (("induction",),)


def test_a_text_without_repeated_words_shows_no_induction() -> None:
    text = "An old king gave his crown away , and then he learned new songs from birds , . , ."
    assert not head_roles(a_map(random_looks(4, 20, spread=3), text)).repeats
    assert head_roles(a_map(random_looks(4, len(WORDS), spread=3), TEXT)).repeats


NOWHERE = {(SELF, "next word"), (CROSS, "next word"), (CROSS, "previous word")}
SEEN = [(kind, name) for kind in (SELF, ENCODER, CROSS) for name, role in ROLES.items() if role.targets and (kind, name) not in NOWHERE]


@pytest.mark.parametrize(("kind", "name"), SEEN)
def test_a_head_that_looks_at_the_targets_of_a_role_has_it(kind: str, name: str) -> None:
    """Independent of the module: targets are found word by word, with plain loops."""
    words = [word.casefold() for word in WORDS]
    prompt = words[::-1] if kind == CROSS else words
    looks = np.full((1, len(words), len(prompt)), 1e-4)
    for query, word in enumerate(words):
        for key, other in enumerate(prompt):
            followed = key > 0 and prompt[key - 1] == word and word != "," and (kind == CROSS or key - 1 < query)
            fits = {
                "previous word": key == query - 1, "next word": key == query + 1, "same word": other == word, "induction": followed,
                "first word": key == 0,
            }  # fmt: skip
            looks[0, query, key] += fits[name]
    found = head_roles(a_map(looks, TEXT, name=kind, prompt=" ".join(prompt)))
    assert found.names == ((name,),)
    assert found.strength[0, 0] > 0.99


def test_every_role_is_explained_to_an_editor() -> None:
    for name, role in ROLES.items():
        assert name == role.title.lower()
        assert role.sentence.endswith(".")
        assert role.sentence.count(".") == 1
    assert {"broad", "other"} <= {name for name, role in ROLES.items() if role.targets is None}


def test_an_even_look_is_broad_and_random_looks_are_other() -> None:
    text = " ".join((WORDS * 3)[:50])
    assert head_roles(a_map(np.ones((1, 50, 50)), text)).names == (("broad",),)
    assert head_roles(a_map(np.ones((1, 50, 50)), text)).strength[0, 0] == pytest.approx(1)
    for spread in (3, 6):
        found = head_roles(a_map(random_looks(50, 50, spread=spread), text))
        assert set(found.names[0]) == {"other"}
        assert not found.strength.any()


def test_an_even_look_at_the_last_few_words_is_not_broad() -> None:
    place = np.arange(50)
    near = (place[:, None] - place[None, :] < 8).astype(float)
    assert head_roles(a_map(near[None], " ".join((WORDS * 3)[:50]))).names == (("other",),)


def test_luck_gives_no_names_in_short_texts() -> None:
    """Heads that look at one random word each time: two hundred of them, eight words."""
    text = "The fox met the king and the bear"
    found = head_roles(a_map(random_looks(200, 8, spread=6), text))
    assert found.names[0].count("other") > 195


def test_strength_is_what_lies_beyond_chance() -> None:
    """Half of the attention on the word before, half spread evenly, by hand. The second word's look counts for nothing: the word
    before is also the first one there."""
    text = "all these twelve words differ from each other in some small way"
    mixed = np.tril(np.ones((12, 12)))
    mixed /= mixed.sum(-1, keepdims=True)
    mixed[2:] = mixed[2:] / 2 + np.eye(12, k=-1)[2:] / 2
    chance = np.mean([1 / (query + 1) for query in range(2, 12)])
    score = np.mean([0.5 + 0.5 / (query + 1) for query in range(2, 12)])
    found = head_roles(a_map(mixed[None], text))
    assert found.names == (("previous word",),)
    assert found.strength[0, 0] == pytest.approx((score - chance) / (1 - chance), abs=1e-5)


def test_punctuation_is_no_repeated_word() -> None:
    """A head that looks from comma to comma only finds itself at words: no more than chance elsewhere."""
    text = "a , b , c , d , e , f , g , h ,"
    targets = [max(0, place - 2) if word == "," else place // 2 for place, word in enumerate(text.split())]
    assert head_roles(a_map(looking(targets, 16), text)).names == (("other",),)


@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("kind", [SELF, ENCODER, CROSS])
def test_short_texts_say_nothing_about_heads(words: int, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = head_roles(a_map(np.ones((2, words, words)), " ".join(WORDS[:words]), name=kind))
        four = head_roles(a_map(np.ones((2, 4, 4)), "so so so so", name=kind))
    assert found.names == (("other", "other"),)
    assert not found.strength.any()
    assert not found.repeats
    assert np.isfinite(four.strength).all()


def test_roles_need_the_first_word_in_sight() -> None:
    with pytest.raises(ExplainError, match="first word in sight"):
        head_roles(without_sink(a_map(np.ones((1, 6, 6)), " ".join(WORDS[:6]))))


def test_glances_begin_with_the_most_decided_look_elsewhere() -> None:
    text = " ".join(WORDS[:6])
    heads = np.full((3, 6, 6), 1e-6)
    heads[0, 4] = [0.9, 0, 0.1, 0, 0, 0]  # rests
    heads[1, 4] = [0.1, 0, 0.2, 0.7, 0, 0]  # looks at fox, then at small
    heads[2, 4] = [0, 0.4, 0, 0, 0.6, 0]  # looks at itself, then at a
    found = glances(a_map(heads, text), 4)
    assert [(glance.layer, glance.head) for glance in found] == [(0, 1), (0, 2), (0, 0)]
    assert [key for key, _ in found[0].targets] == [3, 2, 0]
    assert found[0].targets[0][1] == pytest.approx(0.7, abs=1e-4)
    assert [key for key, _ in found[2].targets] == [0, 2], "keys that get nothing are not told"
    assert len(glances(a_map(heads, text), 4, most=2, targets=1)[0].targets) == 1
    assert len(glances(a_map(heads, text), 4, most=2)) == 2


def test_across_two_texts_no_word_is_the_word_itself() -> None:
    across = a_map(
        np.array([[[0.1, 0.9, 0.0], [0.3, 0.3, 0.4]], [[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]]), "Once a", name=CROSS, prompt="Once a small"
    )
    assert [glance.head for glance in glances(across, 0)] == [0, 1]
    assert [glance.head for glance in glances(across, 1)] == [1, 0], "a key with the query's number is not the query itself"


@pytest.mark.parametrize("word", [-1, 6])
def test_words_that_are_not_there_are_refused(word: int) -> None:
    with pytest.raises(SettingsError, match=r"The word is .* from 1 to 6"):
        glances(a_map(np.ones((1, 6, 6)), " ".join(WORDS[:6])), word)
