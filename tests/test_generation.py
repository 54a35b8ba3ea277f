"""Claims about writing: independent of the batch, faithful to transformers, never losing what was there."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace

import pytest
import torch

from narrative.errors import PromptError, SettingsError
from narrative.generation import Draft, GenerationSettings, generate, regenerate
from narrative.generation.generate import Generation
from narrative.generation.reading import reader_for, window_start
from narrative.generation.sampling import choose, processed, uniform
from narrative.models import SEQ2SEQ, LanguageModel

PROMPT = "Once upon a time there was a little fox"
SETTINGS = GenerationSettings(max_new_tokens=24, drafts=1, seed=7)
GREEDY = replace(SETTINGS, strategy="greedy")


def written(generation: Generation) -> tuple[Draft, ...]:
    for _ in generation:
        pass
    return generation.drafts


def write(model: LanguageModel, settings: GenerationSettings = SETTINGS, prompt: str = PROMPT) -> tuple[Draft, ...]:
    return written(generate(model, prompt, settings=settings))


def transformers_ids(model: LanguageModel, **options: object) -> list[list[int]]:
    """What `model.generate` gives for the prompt: generated ids only."""
    ids = torch.tensor([model.encode(PROMPT)])
    made = model.model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=model.pad_id, **options)
    first = 1 if model.kind == SEQ2SEQ else ids.shape[1]
    return [row[first:].tolist() for row in made]


def full_logits(model: LanguageModel, draft: Draft) -> torch.Tensor:
    """(token, vocabulary): the logits before each generated token, from one pass without a cache."""
    with torch.no_grad():
        if model.kind == SEQ2SEQ:
            start = model.model.config.decoder_start_token_id
            decoder = torch.tensor([[start, *draft.ids[:-1]]])
            return model.model(input_ids=torch.tensor([draft.prompt_ids]), decoder_input_ids=decoder).logits[0].float()
        ids = torch.tensor([[*draft.prompt_ids, *draft.ids]])
        return model.model(input_ids=ids).logits[0, len(draft.prompt_ids) - 1 : -1].float()


def test_greedy_equals_transformers_generate(tiny_model: LanguageModel) -> None:
    (draft,) = write(tiny_model, GREEDY)
    assert [list(draft.ids)] == transformers_ids(tiny_model, do_sample=False, max_new_tokens=24)


def test_greedy_with_repetition_penalty_equals_transformers_generate(tiny_model: LanguageModel) -> None:
    (draft,) = write(tiny_model, replace(GREEDY, repetition_penalty=1.7))
    assert [list(draft.ids)] == transformers_ids(tiny_model, do_sample=False, max_new_tokens=24, repetition_penalty=1.7)


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (replace(SETTINGS, temperature=0.7, top_p=0.9), {"temperature": 0.7, "top_p": 0.9, "top_k": 0}),
        (replace(SETTINGS, strategy="top-k", top_k=5, temperature=1.3), {"temperature": 1.3, "top_k": 5}),
        (replace(SETTINGS, repetition_penalty=1.4, temperature=1.0), {"repetition_penalty": 1.4, "top_p": 0.95, "top_k": 0}),
    ],
    ids=["nucleus", "top-k", "penalty"],
)
def test_every_draw_is_made_from_the_scores_that_transformers_would_draw_from(
    tiny_model: LanguageModel, settings: GenerationSettings, options: dict[str, float]
) -> None:
    ids = torch.tensor([tiny_model.encode(PROMPT)])
    torch.manual_seed(3)
    made = tiny_model.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=True, max_new_tokens=12, output_scores=True,
        return_dict_in_generate=True, pad_token_id=tiny_model.pad_id, **options,
    )  # fmt: skip
    reader, first = reader_for(tiny_model, tuple(ids[0].tolist()), 1)
    for step, theirs in enumerate(made.scores):
        seen = made.sequences[:, : len(first) + step]
        with torch.inference_mode():
            ours = processed(seen, reader.logits(seen), settings)
        assert torch.equal(ours.isinf(), theirs.isinf())
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_draws_follow_the_processed_distribution() -> None:
    scores = torch.tensor([[0.0, 1.0, float("-inf"), 2.0]])
    expected = scores.softmax(-1)[0]
    count = 20_000
    counts = torch.zeros(4)
    for position in range(count):
        counts[choose(scores, SETTINGS, position=position, numbers=[0])[0]] += 1
    assert counts[2] == 0
    # three standard deviations of a binomial share
    for share, probability in zip(counts / count, expected, strict=True):
        assert abs(share - probability) <= 3 * math.sqrt(float(probability * (1 - probability)) / count)


def test_uniform_numbers_are_the_same_for_ever() -> None:
    # the first 53 bits of `printf 1/0/0 | sha256sum` and so on, over 2 to the 53
    assert [round(uniform(1, 0, position), 12) for position in range(3)] == [0.424717250034, 0.122874226158, 0.245523566842]


def test_same_seed_same_text_and_another_seed_another(tiny_model: LanguageModel) -> None:
    once, again, other = (write(tiny_model, replace(SETTINGS, seed=seed))[0] for seed in (7, 7, 8))
    assert once.tokens == again.tokens
    assert once.ids != other.ids


def test_a_draft_is_the_same_alone_and_in_a_batch(tiny_gpt2: LanguageModel) -> None:
    batch = write(tiny_gpt2, replace(SETTINGS, drafts=3))
    assert len({draft.ids for draft in batch}) == 3
    assert write(tiny_gpt2, SETTINGS)[0].ids == batch[0].ids
    third = written(regenerate(tiny_gpt2, batch[2], at=0))[0]
    assert third.ids == batch[2].ids


def test_global_randomness_is_left_alone(tiny_gpt2: LanguageModel) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    write(tiny_gpt2)
    assert torch.equal(torch.rand(3), expected)


def test_probabilities_come_from_the_unprocessed_logits(tiny_model: LanguageModel) -> None:
    settings = replace(SETTINGS, temperature=0.3, top_p=0.5, repetition_penalty=1.5)
    (draft,) = write(tiny_model, settings)
    logprobs = full_logits(tiny_model, draft).log_softmax(-1)
    for token, row in zip(draft.tokens, logprobs, strict=True):
        assert token.logprob == pytest.approx(row[token.id].item(), abs=1e-4)
        assert token.rank == int((row > row[token.id]).sum()) + 1
        best = row.topk(10)
        assert [alternative.id for alternative in token.alternatives] == best.indices.tolist()
        assert [alternative.logprob for alternative in token.alternatives] == pytest.approx(best.values.tolist(), abs=1e-4)


def test_perplexity_is_exp_of_the_mean_loss(tiny_gpt2: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2)
    loss = torch.nn.functional.cross_entropy(full_logits(tiny_gpt2, draft), torch.tensor(draft.ids))
    assert draft.perplexity == pytest.approx(loss.exp().item(), rel=1e-4)


def test_pieces_joined_are_the_decoded_text(tiny_model: LanguageModel) -> None:
    for seed in range(3):  # random models break characters in the middle all the time
        (draft,) = write(tiny_model, replace(SETTINGS, seed=seed, strategy="top-k", top_k=400, max_new_tokens=40))
        whole = tiny_model.decode(draft.ids)
        assert draft.text in (whole, whole.removesuffix("\N{REPLACEMENT CHARACTER}"))


def test_end_of_text_ends_one_draft_and_the_others_go_on(tiny_gpt2: LanguageModel) -> None:
    (end,) = tiny_gpt2.end_ids
    batches = (write(tiny_gpt2, replace(SETTINGS, drafts=4, seed=seed, max_new_tokens=48, temperature=2.0)) for seed in range(60))
    drafts = next(batch for batch in batches if len({draft.stopped for draft in batch}) == 2)
    for draft in drafts:
        ended = draft.stopped == "end of text"
        assert (draft.ids[-1] == end) is ended
        assert end not in draft.ids[:-1]
        assert ended or (draft.stopped == "length" and len(draft.ids) == 48)


def test_stop_is_honoured_within_one_token_and_keeps_the_rest(tiny_gpt2: LanguageModel) -> None:
    generation = generate(tiny_gpt2, PROMPT, settings=replace(SETTINGS, drafts=2))
    seen = 0
    for _ in generation:
        seen += 1
        if seen == 5:
            asker = threading.Thread(target=generation.stop)
            asker.start()
            asker.join()
    assert seen == 5
    for draft in generation.drafts:
        assert (len(draft.tokens), draft.stopped) == (5, "asked")


def test_drafts_can_be_read_while_they_are_written(tiny_gpt2: LanguageModel) -> None:
    generation = generate(tiny_gpt2, PROMPT, settings=SETTINGS)
    for number, _ in enumerate(generation, 1):
        (draft,) = generation.drafts
        assert len(draft.tokens) == number
        assert (draft.stopped is None) == (number < 24 and draft.ids[-1] not in tiny_gpt2.end_ids)


def test_a_closed_generation_keeps_what_was_written(tiny_gpt2: LanguageModel) -> None:
    generation = generate(tiny_gpt2, PROMPT, settings=SETTINGS)
    steps = iter(generation)
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert len(generation.drafts[0].tokens) == 2


def test_regenerate_with_nothing_changed_gives_the_same_draft(tiny_model: LanguageModel) -> None:
    (draft,) = write(tiny_model)
    (again,) = written(regenerate(tiny_model, draft, at=9))
    assert again.ids == draft.ids
    assert again.tokens[:9] == draft.tokens[:9]
    assert (again.parent, again.at, again.forced) == (draft.id, 9, False)
    for old, new in zip(draft.tokens, again.tokens, strict=True):
        assert new.logprob == pytest.approx(old.logprob, abs=1e-4)


def test_regenerate_puts_the_chosen_word_and_keeps_all_before(tiny_model: LanguageModel) -> None:
    (draft,) = write(tiny_model)
    choice = next(alternative for alternative in draft.tokens[6].alternatives if alternative.id != draft.tokens[6].id)
    (branch,) = written(regenerate(tiny_model, draft, at=6, token=choice.id))
    assert branch.tokens[:6] == draft.tokens[:6]
    assert branch.tokens[6].id == choice.id
    assert branch.tokens[6].logprob == pytest.approx(choice.logprob, abs=1e-4)
    assert branch.forced
    assert len(branch.tokens) > 7 or branch.stopped == "end of text"


def test_regenerate_with_a_new_seed_gives_several_branches(tiny_gpt2: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2)
    branches = written(regenerate(tiny_gpt2, draft, at=4, settings=replace(SETTINGS, seed=99, drafts=3)))
    assert len({branch.ids for branch in branches}) == 3
    assert all(branch.tokens[:4] == draft.tokens[:4] for branch in branches)


@pytest.mark.parametrize("at", [-1, 25, True])
def test_regenerate_refuses_a_token_that_is_not_there(tiny_gpt2: LanguageModel, at: int) -> None:
    (draft,) = write(tiny_gpt2)
    with pytest.raises(SettingsError, match=r"The token to branch from is .*from 0 to \d+"):
        regenerate(tiny_gpt2, draft, at=at)


def test_regenerate_refuses_another_models_draft(tiny_gpt2: LanguageModel, tiny_neo: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2)
    with pytest.raises(SettingsError, match="other weights"):
        regenerate(tiny_neo, draft, at=3)


def test_regenerate_refuses_a_word_outside_the_vocabulary(tiny_gpt2: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2)
    with pytest.raises(SettingsError, match="The chosen token is 400000"):
        regenerate(tiny_gpt2, draft, at=3, token=400_000)


def test_a_text_longer_than_the_context_slides_and_says_so(tiny_gpt2: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2, replace(GREEDY, max_new_tokens=90, repetition_penalty=1.3), prompt=PROMPT * 6)
    total = len(draft.prompt_ids) + len(draft.ids)
    assert total > tiny_gpt2.context
    assert draft.dropped == window_start(total - 1, tiny_gpt2.context) > 0
    everything = [*draft.prompt_ids, *draft.ids]
    for index in range(len(draft.prompt_ids), total):  # the independent way: read each window from nothing
        window = everything[window_start(index, tiny_gpt2.context) : index]
        with torch.no_grad():
            logits = tiny_gpt2.model(input_ids=torch.tensor([window])).logits[0, -1].float()
        token = draft.tokens[index - len(draft.prompt_ids)]
        assert token.logprob == pytest.approx(logits.log_softmax(-1)[token.id].item(), abs=1e-3)


def test_the_window_never_outgrows_the_context_nor_empties() -> None:
    for context in (1, 2, 7, 64):
        starts = [window_start(length, context) for length in range(1, 400)]
        assert starts == sorted(starts)
        assert all(0 < length - start <= context for length, start in zip(range(1, 400), starts, strict=True))


def test_a_branch_beyond_the_context_sees_what_its_parent_saw(tiny_gpt2: LanguageModel) -> None:
    drafts = (write(tiny_gpt2, replace(SETTINGS, max_new_tokens=90, seed=seed))[0] for seed in range(60))
    draft = next(draft for draft in drafts if draft.stopped == "length")
    (again,) = written(regenerate(tiny_gpt2, draft, at=70))
    assert again.dropped == draft.dropped > 0
    assert again.ids == draft.ids


def test_a_prompt_too_long_for_an_encoder_is_cut_at_its_beginning_and_says_so(tiny_t5: LanguageModel) -> None:
    (draft,) = write(tiny_t5, prompt=PROMPT * 8)
    assert draft.dropped == len(draft.prompt_ids) - tiny_t5.context > 0


def test_a_draft_comes_back_from_json_unchanged(tiny_gpt2: LanguageModel) -> None:
    (draft,) = write(tiny_gpt2)
    assert Draft.from_json(json.loads(json.dumps(draft.to_json()))) == draft


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("", "seed text is empty"),
        (" \n\t ", "seed text is empty"),
        ("a" * 1_000_000, r"has 1,000,000 characters; at most 200,000"),
        ("once\0upon", r"U\+0000 at position 5"),
        ("once \ud800", r"U\+D800 at position 6"),
    ],
)
def test_prompts_that_cannot_be_continued_are_refused_with_a_sentence(tiny_gpt2: LanguageModel, prompt: str, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        generate(tiny_gpt2, prompt, settings=SETTINGS)


@pytest.mark.parametrize("prompt", ["<script>alert(1)</script>", "🦊🏽‍🚀 and ❄️", "كان يا ما كان في قديم الزمان", "a\r\nb\tc"])
def test_any_other_text_is_continued(tiny_model: LanguageModel, prompt: str) -> None:
    (draft,) = write(tiny_model, prompt=prompt)
    assert draft.prompt == prompt
    assert draft.tokens


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("temperature", 0, "Temperature is 0; .*more than 0 and at most 10.*greedy"),
        ("temperature", -1.0, "Temperature is -1.0"),
        ("temperature", float("nan"), "Temperature is nan"),
        ("temperature", float("inf"), "Temperature is inf"),
        ("temperature", "hot", "Temperature is 'hot'"),
        ("top_p", 0.0, "Top-p is 0.0; .*more than 0 and at most 1"),
        ("top_p", 1.01, "Top-p is 1.01"),
        ("top_k", 0, "Top-k is 0"),
        ("top_k", 2.5, "Top-k is 2.5"),
        ("repetition_penalty", 0, "Repetition penalty is 0"),
        ("max_new_tokens", 0, "Max new tokens is 0"),
        ("drafts", 17, "Drafts is 17; .*from 1 to 16"),
        ("seed", -1, "Seed is -1"),
        ("strategy", "beam", "Unknown strategy 'beam'. Choose one of: greedy, top-k, nucleus"),
    ],
)
def test_settings_out_of_range_name_the_value_and_what_is_allowed(field: str, value: object, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        replace(SETTINGS, **{field: value})  # type: ignore[arg-type]
