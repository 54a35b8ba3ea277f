"""explain.scorer and explain.baselines, held against plain forward passes of the shared model by token ids, read out in loops."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_models import CONTEXT, built, tiny_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from explain import scorer as scorer_module
from explain.baselines import BASELINES, NEUTRAL, baseline_of
from explain.passage import Passage, pieces_of, read_text
from explain.question import Question, Target, instead_of, next_word, whole
from explain.scorer import Scorer
from narrative.errors import ExplainError, SettingsError
from narrative.models import SEQ2SEQ, LanguageModel

PROMPT, COMPLETION = "The fox wanted to see the sea", " and walked until night."
CLOSE = 3e-5  # nats, of sums of about 30
QUESTIONS = ("whole", "one word", "against one", "against more", "against fewer")


def ask(model: LanguageModel, name: str) -> Question:
    passage = read_text(model, PROMPT, COMPLETION)
    begin = passage.written_from
    if name == "whole":
        return whole(passage)
    if name == "against fewer":
        return instead_of(model, Question(passage, Target(begin + 1, len(passage.sequence))), "ran")
    one = Question(passage, Target(begin + 2, begin + 3))
    return {"one word": lambda: one, "against one": lambda: instead_of(model, one, "a"),
            "against more": lambda: instead_of(model, one, "went away")}[name]()  # fmt: skip


@pytest.fixture(params=QUESTIONS)
def question(request: pytest.FixtureRequest, tiny_model: LanguageModel) -> Question:
    return ask(tiny_model, request.param)


def by_ids(model: LanguageModel, read: Sequence[int], asked: Sequence[int], encoder: Sequence[int] = ()) -> list[float]:
    """Log-probability of each of `asked`, the last of which comes right after `read`: one plain pass over ids, read out one by one."""
    rows = {"input_ids": torch.tensor([list(read)])}
    if model.kind == SEQ2SEQ:
        rows = {"input_ids": torch.tensor([list(encoder)]), "decoder_input_ids": rows["input_ids"]}
    with torch.no_grad():
        logits = model.model(**rows).logits[0].double()
    first = len(read) - len(asked)
    return [float(logits[first + number].log_softmax(-1)[identity]) for number, identity in enumerate(asked)]


def reference(model: LanguageModel, question: Question, axis: Sequence[int] | None = None, gone: Sequence[int] = ()) -> float:
    """The score where the model reads `axis` in place of the question's own tokens, without those at `gone`."""
    own = [piece.id for piece in question.tokens]
    axis = own if axis is None else axis
    border, start, end = question.offset, question.offset + question.target.start, question.end
    encoder = [axis[place] for place in range(border) if place not in gone]
    before = [axis[place] for place in range(border, start) if place not in gone]
    score = sum(by_ids(model, [*before, *axis[start:end]], own[start : end + 1], encoder))
    if question.instead:
        other = [piece.id for piece in question.instead]
        score -= sum(by_ids(model, [*before, *other[:-1]], other, encoder))
    return score


def some_rows(question: Question, count: int = 5, *, readable: bool = False) -> torch.Tensor:
    """(row, token), bool: everything kept, nothing kept, and what a coin says. `readable`: the first token of the sequence stays."""
    rows = torch.rand(count, len(question.tokens), generator=torch.Generator().manual_seed(3)) > torch.linspace(0.1, 0.9, count)[:, None]
    rows[0], rows[1] = True, False
    if readable:
        rows[:, question.offset] = True
    return rows


def left(question: Question, model: LanguageModel, row: Sequence[bool]) -> list[int]:
    """Places that go, or are replaced, where `row` keeps the rest: signs that stand for no text always stay."""
    special = set(model.tokenizer.all_special_ids)
    return [place for place, piece in enumerate(question.tokens) if not row[place] and piece.id not in special]


def hooks(module: torch.nn.Module) -> int:
    return sum(len(one._forward_pre_hooks) + len(one._forward_hooks) + len(one._backward_hooks) for one in module.modules())


# ---- as the text stands


def test_the_score_is_the_summed_log_probability_of_a_plain_pass(tiny_model: LanguageModel, question: Question) -> None:
    assert Scorer(tiny_model, question).original() == pytest.approx(reference(tiny_model, question), abs=CLOSE)


def test_each_token_of_the_target_has_its_own(tiny_model: LanguageModel, question: Question) -> None:
    scorer = Scorer(tiny_model, question)
    ids, border = [piece.id for piece in question.tokens], question.offset
    asked = ids[border + question.target.start : border + question.target.stop]
    with torch.no_grad():
        found = scorer.token_scores(scorer.embeddings.expand(2, -1, -1))
    assert found.shape == (2, len(asked))
    assert found[1].tolist() == pytest.approx(by_ids(tiny_model, ids[border : question.end], asked, ids[:border]), abs=CLOSE)


def test_a_contrast_is_the_difference_of_its_sides(tiny_model: LanguageModel) -> None:
    question = ask(tiny_model, "against more")
    scorer = Scorer(tiny_model, question)
    own, other = scorer.side(1, 0).original(), scorer.side(0, 1).original()
    assert own == pytest.approx(reference(tiny_model, replace(question, instead=())), abs=CLOSE)
    assert own - other == pytest.approx(scorer.original(), abs=CLOSE)
    assert scorer.side(2, 0.5).original() == pytest.approx(2 * own + 0.5 * other, abs=CLOSE)
    assert scorer.weights == (1, -1)  # a side leaves the scorer as it was
    alone = Scorer(tiny_model, replace(question, instead=())).side(0, 1)
    assert alone.scores(alone.embeddings.expand(3, -1, -1)).tolist() == [0, 0, 0]


def test_what_comes_after_the_target_is_not_read(tiny_model: LanguageModel) -> None:
    question = ask(tiny_model, "one word")
    scorer = Scorer(tiny_model, question)
    assert scorer.length == question.end < len(question.tokens)
    spoilt = scorer.embeddings.clone()
    spoilt[question.end :] = torch.nan
    with torch.no_grad():
        assert scorer.scores(spoilt[None]).tolist() == scorer.scores(scorer.embeddings[None]).tolist()


# ---- words that are replaced


def assert_held_against_ids(model: LanguageModel, question: Question, baseline: str, identity: int) -> None:
    rows = some_rows(question)
    own, expected = [piece.id for piece in question.tokens], []
    for row in rows.tolist():
        gone = left(question, model, row)
        expected.append(reference(model, question, [identity if place in gone else one for place, one in enumerate(own)]))
    found = Scorer(model, question, baseline=baseline).replaced(rows)
    assert found.tolist() == pytest.approx(expected, abs=CLOSE)
    assert len({round(one, 3) for one in expected}) > 3  # something was replaced


@pytest.mark.parametrize("name", ["whole", "against more", "against fewer"])
def test_replaced_is_a_plain_pass_with_the_baseline_in_place(tiny_model: LanguageModel, name: str) -> None:
    question = ask(tiny_model, name)
    assert_held_against_ids(tiny_model, question, "neutral", tiny_model.tokenizer(NEUTRAL, add_special_tokens=False)["input_ids"][0])


def test_replaced_holds_for_every_baseline_that_is_a_token(tiny_model: LanguageModel) -> None:
    assert_held_against_ids(tiny_model, ask(tiny_model, "whole"), "end", min(tiny_model.end_ids))
    assert_held_against_ids(tiny_model, ask(tiny_model, "against more"), "pad", int(tiny_model.tokenizer.pad_token_id))


def test_nothing_replaced_or_removed_is_the_text_itself(tiny_model: LanguageModel, question: Question) -> None:
    scorer = Scorer(tiny_model, question)
    kept = torch.ones(2, len(question.tokens), dtype=torch.bool)
    for found in (scorer.replaced(kept), scorer.removed(kept)):
        assert found.tolist() == pytest.approx([scorer.original()] * 2, abs=CLOSE)


def test_the_targets_last_token_and_what_follows_change_nothing(tiny_model: LanguageModel) -> None:
    question = ask(tiny_model, "one word")
    kept = torch.ones(1, len(question.tokens), dtype=torch.bool)
    kept[:, question.end :] = False
    scorer = Scorer(tiny_model, question)
    for found in (scorer.replaced(kept), scorer.removed(kept)):
        assert float(found[0]) == pytest.approx(scorer.original(), abs=CLOSE)


# ---- words that are removed


@pytest.mark.parametrize("name", ["whole", "against more", "against fewer"])
def test_removed_is_a_plain_pass_over_the_shorter_text(tiny_model: LanguageModel, name: str) -> None:
    """Rows of several lengths, in no order: each lands in its own place, and positions close up."""
    question = ask(tiny_model, name)
    rows = some_rows(question, 6, readable=True)[[4, 0, 2, 5, 1, 3, 4]]
    start = question.offset + question.target.start
    gone = [[place for place in left(question, tiny_model, row) if place < start] for row in rows.tolist()]
    before = rows.clone()
    found = Scorer(tiny_model, question).removed(rows)
    assert found.tolist() == pytest.approx([reference(tiny_model, question, gone=one) for one in gone], abs=CLOSE)
    assert len({len(one) for one in gone}) > 4
    assert (rows == before).all()  # what was given is left as it was


def test_the_target_itself_is_never_removed(tiny_model: LanguageModel) -> None:
    question = ask(tiny_model, "whole")
    kept = torch.ones(1, len(question.tokens), dtype=torch.bool)
    kept[:, question.offset + question.target.start :] = False
    scorer = Scorer(tiny_model, question)
    assert float(scorer.removed(kept)[0]) == pytest.approx(scorer.original(), abs=CLOSE)


def test_a_text_of_which_nothing_is_left_is_refused(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    question = ask(tiny_gpt2, "whole")
    with pytest.raises(ExplainError, match="Nothing would be left to read"):
        Scorer(tiny_gpt2, question).removed(torch.zeros(1, len(question.tokens), dtype=torch.bool))
    question = ask(tiny_t5, "whole")  # the signs of its prompt's end and of its decoder's beginning stay
    found = Scorer(tiny_t5, question).removed(torch.zeros(1, len(question.tokens), dtype=torch.bool))
    assert float(found[0]) == pytest.approx(reference(tiny_t5, question, gone=range(question.offset - 1)), abs=CLOSE)
    bare = replace(question, passage=replace(question.passage, prompt=question.passage.prompt[:-1]))
    with pytest.raises(ExplainError, match="Nothing would be left to read"):
        Scorer(tiny_t5, bare).removed(torch.zeros(1, len(bare.tokens), dtype=torch.bool))


# ---- in as many goes as memory asks for


@pytest.mark.parametrize("name", ["whole", "against more"])
def test_results_do_not_depend_on_how_many_rows_are_read_at_once_and_tick_hears_of_all(
    tiny_model: LanguageModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ask(tiny_model, name)
    rows = some_rows(question, readable=True)
    readings = 2 if question.instead else 1  # a contrast reads each row twice
    heard: list[int] = []
    scorer = Scorer(tiny_model, question, tick=heard.append)
    together = [scorer.replaced(rows), scorer.removed(rows)]
    assert max(heard) > 1
    assert sum(heard) == 2 * len(rows) * readings
    for limit in ("MOST_LOGITS", "MOST_TOKENS", "MOST_WITH_GRADIENT"):
        monkeypatch.setattr(scorer_module, limit, 1)
    heard.clear()
    assert (scorer.rows(), scorer.rows(gradient=True)) == (1, 1)
    apart = [scorer.replaced(rows), scorer.removed(rows)]
    assert heard == [1] * (2 * len(rows) * readings)
    for one, other in zip(together, apart, strict=True):
        assert one.tolist() == pytest.approx(other.tolist(), abs=CLOSE)
    scorer_module._FIT.discard(tiny_model.model)
    for more in (1, 0):  # the first time it is read by ids too
        heard.clear()
        scorer.original()
        assert sum(heard) == readings + more


def test_rows_read_at_once_are_bounded_by_tokens_and_by_logits(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = Scorer(tiny_gpt2, ask(tiny_gpt2, "whole"))
    assert scorer.rows() * scorer.length <= scorer_module.MOST_TOKENS
    assert scorer.rows(gradient=True) * scorer.length <= scorer_module.MOST_WITH_GRADIENT
    assert 1 < scorer.rows(gradient=True) < scorer.rows()
    monkeypatch.setattr(scorer_module, "MOST_LOGITS", 5 * len(scorer.asked) * tiny_gpt2.vocabulary)
    assert scorer.rows() == 5


# ---- gradients


@pytest.mark.parametrize("name", ["whole", "against more", "against fewer"])
def test_gradients_are_the_slopes_of_a_model_in_double_precision(tiny_model: LanguageModel, name: str) -> None:
    question = ask(tiny_model, name)
    precise = copy.deepcopy(tiny_model.model).double()
    table = precise.get_input_embeddings()
    ids, border, start = [piece.id for piece in question.tokens], question.offset, question.offset + question.target.start

    def side(embeddings: torch.Tensor, asked: Sequence[int]) -> torch.Tensor:
        read = torch.cat([embeddings[border:start], table(torch.tensor(asked[:-1], dtype=torch.long))])
        if asked == ids[start : question.end + 1]:
            read = embeddings[border : question.end]
        told = {"inputs_embeds": read[None]}
        if border:
            told = {"inputs_embeds": embeddings[None, :border], "decoder_inputs_embeds": read[None]}
        logits = precise(**told).logits[0, -len(asked) :]
        return torch.stack([logits[number].log_softmax(-1)[identity] for number, identity in enumerate(asked)]).sum()

    def value(embeddings: torch.Tensor) -> torch.Tensor:
        score = side(embeddings, ids[start : question.end + 1])
        return score - side(embeddings, [piece.id for piece in question.instead]) if question.instead else score

    scorer = Scorer(tiny_model, question)
    given = scorer.embeddings[None].requires_grad_()
    (found,) = torch.autograd.grad(scorer.scores(given).sum(), given)
    assert found.shape == given.shape
    assert (found[0, question.end :] == 0).all()
    here = scorer.embeddings.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(value(here), here)
    size = float(expected.norm())
    assert float((found[0] - expected).norm()) < 2e-3 * size
    if tiny_model.kind == SEQ2SEQ:
        return  # T5's ReLU has kinks, over which no difference tells a slope
    way = torch.randn(here.shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    step = 1e-4 * way / way.norm()
    with torch.no_grad():
        slope = float(value(here + step) - value(here - step)) / 2e-4
    assert float((found[0] * way).sum() / way.norm()) == pytest.approx(slope, abs=2e-3 * size)


def test_rows_do_not_touch_each_other(tiny_model: LanguageModel) -> None:
    scorer = Scorer(tiny_model, ask(tiny_model, "against more"))
    rows = scorer.embeddings.expand(3, -1, -1).clone().requires_grad_()
    scores = scorer.scores(rows)
    assert scores.shape == (3,)
    (slopes,) = torch.autograd.grad(scores[1], rows)
    assert (slopes[0] == 0).all()
    assert (slopes[2] == 0).all()
    assert slopes[1].abs().max() > 0


def test_baselines_let_gradients_pass(tiny_model: LanguageModel) -> None:
    """Nothing made for them is an inference tensor, which autograd would refuse."""
    for name in BASELINES:
        scorer = Scorer(tiny_model, ask(tiny_model, "one word"), baseline=name)
        share = torch.tensor(0.5, requires_grad=True)
        way = scorer.baseline.vector * share + scorer.embeddings[None] * (1 - share)
        (slope,) = torch.autograd.grad(scorer.scores(way).sum(), share)
        assert torch.isfinite(slope)


# ---- what is shared stays as it was


def test_the_shared_model_is_left_as_it_was(tiny_model: LanguageModel) -> None:
    shared = tiny_model.model
    before = {name: tensor.clone() for name, tensor in shared.state_dict().items()}
    hung = hooks(shared)  # transformers leaves its own behind when attentions were asked for
    question = ask(tiny_model, "against more")
    scorer = Scorer(tiny_model, question)
    scorer.original()
    rows = some_rows(question, readable=True)
    scorer.replaced(rows)
    scorer.removed(rows)
    given = scorer.embeddings[None].clone().requires_grad_()
    scorer.scores(given).sum().backward()
    assert given.grad is not None
    assert all((tensor == before[name]).all() for name, tensor in shared.state_dict().items())
    assert not any(one.requires_grad or one.grad is not None for one in shared.parameters())
    assert (hooks(shared), shared.training, shared.dtype) == (hung, False, torch.float32)
    assert all("forward" not in vars(one) for one in shared.modules())
    assert hooks(scorer.reader) == hung


def test_a_model_in_half_precision_is_scored_in_single_and_left_alone(tiny_model: LanguageModel) -> None:
    half = replace(tiny_model, model=copy.deepcopy(tiny_model.model).to(torch.bfloat16))
    single = replace(tiny_model, model=copy.deepcopy(half.model).float())
    question = ask(half, "against more")
    before = {name: tensor.clone() for name, tensor in half.model.state_dict().items()}
    scorer = Scorer(half, question)
    assert scorer.original() == pytest.approx(reference(single, question), abs=CLOSE)
    assert scorer.original() != pytest.approx(reference(half, question), abs=CLOSE)  # what half precision would have said
    rows = some_rows(question)
    expected = Scorer(single, question).replaced(rows)
    assert scorer.replaced(rows).tolist() == pytest.approx(expected.tolist(), abs=CLOSE)
    assert scorer.embeddings.dtype == scorer.baseline.vector.dtype == torch.float32
    assert {one.dtype for one in half.model.parameters()} == {torch.bfloat16}
    assert all((tensor == before[name]).all() for name, tensor in half.model.state_dict().items())


# ---- tick


class StopError(Exception):
    """Somebody doesn't want to wait."""


class ValueStopError(ValueError):
    """The same, of a kind that models raise too."""


@pytest.mark.parametrize(
    ("name", "kind"), [("tiny_gpt2", StopError), ("tiny_gpt2", ValueStopError), ("tiny_gpt2", KeyboardInterrupt), ("tiny_t5", TypeError)]
)
def test_what_tick_raises_passes_through_and_leaves_nothing_behind(
    request: pytest.FixtureRequest, name: str, kind: type[BaseException]
) -> None:
    tiny_model: LanguageModel = request.getfixturevalue(name)
    question = ask(tiny_model, "against more")
    rows, stop = some_rows(question, readable=True), kind("enough")
    patience, hung = 0, hooks(tiny_model.model)

    def tick(_: int) -> None:
        nonlocal patience
        patience -= 1
        if patience < 0:
            raise stop

    scorer = Scorer(tiny_model, question, tick=tick)
    works: list[Callable[[], Any]] = [
        scorer.original, lambda: scorer.replaced(rows), lambda: scorer.removed(rows), lambda: scorer.scores(scorer.embeddings[None])
    ]  # fmt: skip
    for work in works:
        for readings in (0, 1):
            patience = readings
            with pytest.raises(kind) as caught:
                work()
            assert caught.value is stop
            assert hooks(scorer.reader) == hooks(tiny_model.model) == hung
    patience = 100
    assert scorer.original() == pytest.approx(reference(tiny_model, question), abs=CLOSE)


# ---- models and texts that can't be asked


class Blind(GPT2LMHeadModel):
    """Takes ids and nothing else."""

    def forward(self, input_ids: torch.Tensor | None = None, **more: Any) -> Any:
        if more.pop("inputs_embeds", None) is not None or input_ids is None:
            raise ValueError("You have to specify input_ids")
        return super().forward(input_ids=input_ids, **more)


class Strict(GPT2LMHeadModel):
    """Knows no such argument at all."""

    def forward(self, input_ids: torch.Tensor, use_cache: bool = False) -> Any:
        return super().forward(input_ids=input_ids, use_cache=use_cache)


class Peeking(GPT2LMHeadModel):
    """Reads the ids once more, past the embeddings."""

    def forward(self, input_ids: torch.Tensor | None = None, **more: Any) -> Any:
        output = super().forward(input_ids=input_ids, **more)
        if input_ids is not None:
            output.logits[..., ::2] += 0.1 * (input_ids[:, -1] % 7)[:, None, None]
        return output


def made_of(kind: type[GPT2LMHeadModel]) -> LanguageModel:
    plain = built(GPT2Config(vocab_size=400, n_positions=CONTEXT, n_embd=32, n_layer=1, n_head=2, initializer_range=0.5))
    model = kind(plain.model.config).eval()
    model.load_state_dict(plain.model.state_dict())
    return replace(plain, model=model)


@pytest.mark.parametrize("kind", [Blind, Strict, Peeking])
def test_a_model_that_reads_more_than_embeddings_is_refused_in_a_sentence(kind: type[GPT2LMHeadModel]) -> None:
    model = made_of(kind)
    question = ask(model, "one word")
    assert Scorer(made_of(GPT2LMHeadModel), question).original() < 0
    scorer = Scorer(model, question)
    with pytest.raises(ExplainError, match=r"gpt2.*can't be asked which words drove a text.*Choose a model such as"):
        scorer.original()
    assert hooks(scorer.reader) == hooks(model.model) == 0


def test_a_model_with_broken_weights_is_refused() -> None:
    model = made_of(GPT2LMHeadModel)
    with torch.no_grad():
        model.model.transformer.ln_f.weight.fill_(torch.nan)
    with pytest.raises(ExplainError):
        Scorer(model, ask(model, "one word")).original()


def test_a_model_without_probabilities_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made_of(GPT2LMHeadModel)
    monkeypatch.setattr(GPT2LMHeadModel, "get_output_embeddings", lambda _: None)
    with pytest.raises(ExplainError, match="gives no probabilities of words"):
        Scorer(model, ask(model, "one word"))


def test_a_text_as_long_as_the_context_is_read_to_its_end(tiny_model: LanguageModel) -> None:
    passage = read_text(tiny_model, "the fox " * 40, " and ran" * 40, limit=1000)
    assert max(len(passage.prompt), len(passage.sequence)) == CONTEXT
    question = Question(passage, Target(CONTEXT - 2, CONTEXT))
    assert Scorer(tiny_model, question).original() == pytest.approx(reference(tiny_model, question), abs=CLOSE)


def test_the_next_word_after_a_full_context_can_be_asked_about(tiny_gpt2: LanguageModel) -> None:
    question = next_word(tiny_gpt2, read_text(tiny_gpt2, "the fox " * 40))
    assert len(question.tokens) == CONTEXT + 1
    assert Scorer(tiny_gpt2, question).original() == pytest.approx(reference(tiny_gpt2, question), abs=CLOSE)


def test_a_longer_text_is_refused_in_a_sentence(tiny_model: LanguageModel) -> None:
    ids = tiny_model.tokenizer("the fox " * 40, add_special_tokens=False)["input_ids"][: CONTEXT + 8]
    short = read_text(tiny_model, PROMPT, COMPLETION)
    prompt = short.prompt if tiny_model.kind == SEQ2SEQ else ()
    long = replace(short, prompt=prompt, completion=pieces_of(tiny_model, ids))
    with pytest.raises(ExplainError, match=rf"reads {CONTEXT} tokens at once, and here are .* up to the end of the target"):
        Scorer(tiny_model, whole(long))
    assert Scorer(tiny_model, Question(long, Target(1, CONTEXT))).original() < 0  # what leads up to the target is what counts


def test_an_encoder_that_is_given_too_much_is_refused(tiny_t5: LanguageModel) -> None:
    passage = read_text(tiny_t5, PROMPT, COMPLETION)
    with pytest.raises(ExplainError, match=f"reads {CONTEXT} tokens at once"):
        Scorer(tiny_t5, whole(replace(passage, prompt=passage.prompt * 8)))


def test_other_words_that_no_longer_fit_are_refused(tiny_gpt2: LanguageModel) -> None:
    passage = read_text(tiny_gpt2, "the fox " * 40)
    question = Question(passage, Target(CONTEXT - 1, CONTEXT))
    assert Scorer(tiny_gpt2, instead_of(tiny_gpt2, question, "king")).original() == pytest.approx(
        reference(tiny_gpt2, instead_of(tiny_gpt2, question, "king")), abs=CLOSE
    )
    with pytest.raises(ExplainError, match="reads 64 tokens at once"):
        Scorer(tiny_gpt2, instead_of(tiny_gpt2, question, "old woman in the morning"))


def test_one_word_of_a_prompt_is_enough(tiny_gpt2: LanguageModel) -> None:
    question = whole(read_text(tiny_gpt2, "The", " fox"))
    assert Scorer(tiny_gpt2, question).original() == pytest.approx(reference(tiny_gpt2, question), abs=CLOSE)


# ---- baselines


def test_the_mean_baseline_is_the_mean_of_what_the_tokenizer_knows(tiny_model: LanguageModel) -> None:
    table = tiny_model.model.get_input_embeddings().weight.double()
    found = Scorer(tiny_model, ask(tiny_model, "whole")).baseline
    assert (found.name, found.title) == ("mean", "the average word")
    assert found.vector.tolist() == pytest.approx(table.mean(0).tolist(), abs=1e-6)


def test_rows_that_only_fill_the_table_up_are_no_part_of_the_mean() -> None:
    model = built(GPT2Config(vocab_size=512, n_positions=CONTEXT, n_embd=32, n_layer=1, n_head=2))
    table = model.model.get_input_embeddings().weight.detach()
    known = len(tiny_tokenizer())
    assert known < 512
    found = baseline_of(model, model.model.get_input_embeddings()).vector
    assert found.tolist() == pytest.approx(table[:known].mean(0).tolist(), abs=1e-6)


def test_baselines_of_a_token_are_its_embedding(tiny_model: LanguageModel) -> None:
    table, words = tiny_model.model.get_input_embeddings(), tiny_model.tokenizer
    ids = {"end": min(tiny_model.end_ids), "pad": words.pad_token_id, "neutral": words(" the", add_special_tokens=False)["input_ids"][0]}
    assert {*ids, "mean"} == {*BASELINES}
    for name, identity in ids.items():
        assert (baseline_of(tiny_model, table, name).vector == table.weight[identity]).all()


def test_an_unknown_baseline_is_refused_with_the_ones_there_are(tiny_gpt2: LanguageModel) -> None:
    with pytest.raises(SettingsError, match=r"Unknown baseline 'zero'\. Choose one of: mean, neutral, end, pad"):
        Scorer(tiny_gpt2, ask(tiny_gpt2, "whole"), baseline="zero")


def test_a_baseline_that_a_model_has_no_token_for_is_refused(tiny_gpt2: LanguageModel) -> None:
    bare = replace(tiny_gpt2, tokenizer=copy.deepcopy(tiny_gpt2.tokenizer), model=copy.deepcopy(tiny_gpt2.model))
    bare.tokenizer.pad_token = None
    question = ask(bare, "whole")
    with pytest.raises(SettingsError, match=r"no padding token\. Choose another baseline"):
        _ = Scorer(bare, question, baseline="pad").baseline
    assert Scorer(bare, question).original() == pytest.approx(reference(tiny_gpt2, question), abs=CLOSE)
    bare.tokenizer.eos_token = None
    bare.model.generation_config.eos_token_id = None
    with pytest.raises(SettingsError, match=r"no token that ends a text\. Choose another baseline"):
        _ = Scorer(bare, question, baseline="end").baseline


def test_a_neutral_word_of_several_tokens_is_refused(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explain.baselines.NEUTRAL", " wxyz")
    with pytest.raises(SettingsError, match="“wxyz” is no single token"):
        _ = Scorer(tiny_gpt2, ask(tiny_gpt2, "whole"), baseline="neutral").baseline


def test_a_passage_is_no_part_of_what_a_scorer_changes(tiny_model: LanguageModel) -> None:
    passage: Passage = read_text(tiny_model, PROMPT, COMPLETION)
    before = copy.deepcopy(passage)
    question = whole(passage)
    Scorer(tiny_model, question).replaced(some_rows(question))
    assert passage == before
