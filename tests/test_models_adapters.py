"""Adapters laid over their bases."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_models import Bomb, edit_json, logits, write_lora

from narrative import home
from narrative.errors import BrokenModelError, ModelError, UnsafeModelError
from narrative.models import LanguageModel, catalogue, describe, load_model

LORA_TARGETS = {"tiny_gpt2": ["c_attn"], "tiny_neo": ["q_proj", "v_proj"], "tiny_llama": ["q_proj", "v_proj"], "tiny_t5": ["q", "v"]}


@pytest.mark.parametrize("family", LORA_TARGETS)
def test_an_adapter_over_its_base_gives_pefts_own_logits(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    base: LanguageModel = request.getfixturevalue(family)
    adapter = write_lora(base, tmp_path / "lora", targets=LORA_TARGETS[family])
    merged = load_model(base.name, adapter=str(adapter))
    fresh = load_model(base.name)
    expected = LanguageModel(**{**vars(fresh), "model": PeftModel.from_pretrained(fresh.model, adapter).eval()})
    torch.testing.assert_close(logits(merged), logits(expected), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits(merged), logits(base), atol=1e-2)
    assert type(merged.model) is type(base.model)  # merged: the plain architecture
    assert merged.fingerprint not in (base.fingerprint, "")
    assert load_model(merged.name).fingerprint == merged.fingerprint  # its name leads back to it
    assert describe(merged.name).parameters == merged.card.parameters == base.card.parameters


def test_a_published_adapter_finds_its_base_in_the_catalogue(
    tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, publish: Callable[..., Path]
) -> None:
    publish(tiny_gpt2_folder, "plain")
    write_lora(tiny_gpt2, home.published_models() / "tuned", targets=["c_attn"], base="/home/somebody/plain")
    with pytest.raises(BrokenModelError, match="names '/home/somebody/plain' as its base; it must be a model of the catalogue"):
        load_model("tuned")
    assert "tuned" not in {card.name for card in catalogue()}
    card = {"title": "Tuned", "base": "plain", "base_fingerprint": tiny_gpt2.fingerprint}
    (home.published_models() / "tuned" / "narrative.json").write_text(json.dumps(card))
    tuned = load_model("tuned")
    assert (tuned.name, tuned.card.title, tuned.card.base, tuned.card.parameters) == ("tuned", "Tuned", "plain", tiny_gpt2.card.parameters)
    assert describe("tuned") == tuned.card
    assert tuned.fingerprint == load_model("plain", adapter="tuned").fingerprint


def test_an_adapter_of_another_version_of_its_base_is_refused(
    tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, publish: Callable[..., Path]
) -> None:
    publish(tiny_gpt2_folder, "plain")
    write_lora(tiny_gpt2, home.published_models() / "tuned", targets=["c_attn"])
    (home.published_models() / "tuned" / "narrative.json").write_text(json.dumps({"base": "plain", "base_fingerprint": "0" * 16}))
    with pytest.raises(BrokenModelError, match=f"another version of plain .*here is {tiny_gpt2.fingerprint}"):
        load_model("tuned")


def test_adapters_in_a_circle_are_noticed(tiny_gpt2: LanguageModel) -> None:
    for name, base in (("one", "two"), ("two", "one"), ("self", "self")):
        write_lora(tiny_gpt2, home.published_models() / name, targets=["c_attn"], base=base)
    for name in ("one", "self"):
        with pytest.raises(BrokenModelError, match="names itself as its base"):
            load_model(name)
    assert catalogue()


def test_an_adapter_may_bring_added_tokens(tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    fresh = load_model(str(tiny_gpt2_folder))
    fresh.tokenizer.add_tokens(["<title>", "<tags>"], special_tokens=True)
    fresh.model.resize_token_embeddings(len(fresh.tokenizer))
    laid = get_peft_model(fresh.model, LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, modules_to_save=["wte", "lm_head"]))
    laid.save_pretrained(tmp_path / "lora")
    fresh.tokenizer.save_pretrained(tmp_path / "lora")
    merged = load_model(str(tiny_gpt2_folder), adapter=str(tmp_path / "lora"))
    assert merged.model.get_input_embeddings().weight.shape[0] == len(merged.tokenizer) == len(tiny_gpt2.tokenizer) + 2
    assert max(merged.encode("<title>fox")) >= len(tiny_gpt2.tokenizer)
    assert logits(merged, "<title>fox").isfinite().all()


@pytest.mark.parametrize("family", LORA_TARGETS)
def test_tokens_trained_one_by_one_read_as_they_did_before_saving(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    base: LanguageModel = request.getfixturevalue(family)
    laid, added = with_trained_tokens(base, tmp_path / "lora", targets=LORA_TARGETS[family], head=True)
    ids = torch.tensor([[added[0], 5, 6, added[1], 7]])
    more = {"decoder_input_ids": ids} if base.kind == "seq2seq" else {}
    loaded = load_model(base.name, adapter=str(tmp_path / "lora"), device="cpu")
    with torch.no_grad():
        before, after = (model(input_ids=ids, **more).logits for model in (laid.eval(), loaded.model))
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-2)  # the tiny T5 is so wild that rounding moves a logit by thousandths
    assert before[..., added].abs().mean() > 0.1
    assert (loaded.vocabulary, loaded.encode("<title>")[0]) == (len(loaded.tokenizer), added[0])


def test_tokens_that_nobody_trained_are_not_made_up(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel, tmp_path: Path) -> None:
    with_trained_tokens(tiny_llama, tmp_path / "headless", targets=["q_proj"], head=False)  # its output layer has rows of its own
    with_trained_tokens(tiny_gpt2, tmp_path / "half", targets=["c_attn"], head=False)
    edit_json(tmp_path / "half" / "adapter_config.json", lambda config: config.update(trainable_token_indices=[len(tiny_gpt2.tokenizer)]))
    for base, name in ((tiny_llama, "headless"), (tiny_gpt2, "half")):
        with pytest.raises(BrokenModelError, match=name):
            load_model(base.name, adapter=str(tmp_path / name), device="cpu")


def with_trained_tokens(base: LanguageModel, folder: Path, *, targets: list[str], head: bool) -> tuple[Any, list[int]]:
    """An adapter with two tokens more than its base, as PEFT saves it, and as it was; the two ids."""
    fresh = load_model(base.name, device="cpu")
    first = len(fresh.tokenizer)
    fresh.tokenizer.add_tokens(["<title>", "<tags>"], special_tokens=True)
    fresh.model.resize_token_embeddings(first + 2, mean_resizing=False)
    added = [first, first + 1]
    untied = not fresh.model.config.tie_word_embeddings
    places: Any = {"embed_tokens": added, "lm_head": added} if untied and head else added
    config = LoraConfig(
        r=2, target_modules=targets, fan_in_fan_out="c_attn" in targets, init_lora_weights=False, trainable_token_indices=places
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        laid = get_peft_model(fresh.model, config)
    laid.save_pretrained(folder, save_embedding_layers=False)  # PEFT would add both tables as a whole
    fresh.tokenizer.save_pretrained(folder)
    return laid, added


def test_damaged_adapters_are_refused(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel, tmp_path: Path) -> None:
    adapter = write_lora(tiny_gpt2, tmp_path / "lora", targets=["c_attn"])
    with pytest.raises(BrokenModelError, match="adapter of lora can't be read"):
        load_model(tiny_llama.name, adapter=str(adapter))  # of another family
    with pytest.raises(ModelError, match="no adapter"):
        load_model(tiny_gpt2.name, adapter=tiny_llama.name)
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file(dict(list(weights.items())[:-1]), adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenModelError, match=r"lora doesn't fit its base: .* is not in its weights"):
        load_model(tiny_gpt2.name, adapter=str(adapter))
    (adapter / "adapter_model.safetensors").write_bytes(b"garbage!!")
    with pytest.raises(BrokenModelError, match=r"adapter_model\.safetensors of lora is damaged"):
        load_model(tiny_gpt2.name, adapter=str(adapter))
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps({"x": Bomb(tmp_path / "exploded")}))
    with pytest.raises(UnsafeModelError, match=r"adapter_model\.bin, a pickle"):
        load_model(tiny_gpt2.name, adapter=str(adapter))
    assert not (tmp_path / "exploded").exists()


def test_adapters_that_cannot_be_merged_are_refused(tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    fresh = load_model(str(tiny_gpt2_folder))
    get_peft_model(fresh.model, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2)).save_pretrained(tmp_path / "prefix")
    with pytest.raises(ModelError, match=r"kind 'PREFIX_TUNING', which can't be merged\. Those that can: LORA"):
        load_model(tiny_gpt2.name, adapter=str(tmp_path / "prefix"))
