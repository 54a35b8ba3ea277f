"""A name gives a model in memory, as transformers would load it, and its card."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import edit_json, logits
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from narrative.errors import BrokenModelError, NarrativeError, SettingsError, UnknownModelError
from narrative.models import LanguageModel, ModelCache, catalogue, default_model, describe, load_model
from narrative.models.suggestions import SUGGESTED

# --- a model in memory


def test_a_folder_gives_the_same_logits_as_transformers(tiny_model: LanguageModel) -> None:
    builder = AutoModelForSeq2SeqLM if tiny_model.kind == "seq2seq" else AutoModelForCausalLM
    reference = builder.from_pretrained(tiny_model.name).eval()
    ids = torch.tensor([tiny_model.encode("There is a blue curtain.")])
    more = {"decoder_input_ids": torch.zeros(1, 1, dtype=torch.long)} if tiny_model.kind == "seq2seq" else {}
    with torch.no_grad():
        torch.testing.assert_close(logits(tiny_model, "There is a blue curtain."), reference(ids, **more).logits)


def test_a_loaded_model_is_ready_to_write_and_not_to_learn(tiny_model: LanguageModel) -> None:
    assert not tiny_model.model.training
    assert not any(weight.requires_grad for weight in tiny_model.model.parameters())
    assert {weight.dtype for weight in tiny_model.model.parameters()} == {torch.float32}


def test_kind_context_and_tokens_come_from_the_model(tiny_gpt2: LanguageModel, tiny_t5: LanguageModel) -> None:
    assert (tiny_gpt2.kind, tiny_gpt2.context, tiny_gpt2.end_ids) == ("causal", 64, {tiny_gpt2.tokenizer.eos_token_id})
    assert (tiny_t5.kind, tiny_t5.context, tiny_t5.pad_id) == ("seq2seq", 64, tiny_t5.tokenizer.convert_tokens_to_ids("<pad>"))
    assert tiny_t5.encode("fox")[-1] == tiny_t5.tokenizer.eos_token_id  # the tokenizer's own ending is kept


def test_text_survives_the_tokenizer(tiny_gpt2: LanguageModel) -> None:
    for text in ("<script>alert(1)</script>", "naïve café 🦊", "שלום עולם", " two  spaces \n"):
        assert tiny_gpt2.decode(tiny_gpt2.encode(text)) == text


def test_cards_count_what_is_in_memory(tiny_model: LanguageModel) -> None:
    card = describe(tiny_model.name)
    assert card == tiny_model.card
    assert card.parameters == tiny_model.model.num_parameters()  # shared embeddings once
    assert (card.layers, card.heads, card.width, card.context) == (2, 4, 32, 64)
    assert card.vocabulary == tiny_model.model.get_input_embeddings().weight.shape[0]


def test_an_embedding_stored_twice_and_old_attention_masks_are_not_counted(gpt2_copy: Path, tiny_gpt2: LanguageModel) -> None:
    weights = load_file(gpt2_copy / "model.safetensors")
    weights["lm_head.weight"] = weights["transformer.wte.weight"].clone()
    weights["transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64).tril()
    save_file(weights, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    assert describe(str(gpt2_copy)).parameters == tiny_gpt2.model.num_parameters()
    torch.testing.assert_close(logits(load_model(str(gpt2_copy))), logits(tiny_gpt2))


def test_fingerprint_is_the_sha256_of_the_weights(tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, gpt2_copy: Path) -> None:
    assert tiny_gpt2.fingerprint == hashlib.sha256((tiny_gpt2_folder / "model.safetensors").read_bytes()).hexdigest()[:16]
    weights = load_file(gpt2_copy / "model.safetensors")
    weights["transformer.ln_f.bias"][0] += 1e-3
    save_file(weights, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    assert load_model(str(gpt2_copy)).fingerprint != tiny_gpt2.fingerprint


def test_a_model_in_several_files_is_the_same_model(gpt2_copy: Path, tiny_gpt2: LanguageModel) -> None:
    (gpt2_copy / "model.safetensors").unlink()
    tiny_gpt2.model.save_pretrained(gpt2_copy, max_shard_size="60KB")
    assert not (gpt2_copy / "model.safetensors").exists()
    loaded = load_model(str(gpt2_copy))
    torch.testing.assert_close(logits(loaded), logits(tiny_gpt2))
    assert loaded.card.parameters == tiny_gpt2.card.parameters
    assert loaded.fingerprint != tiny_gpt2.fingerprint  # it is made of other files


def test_end_of_text_pads_where_there_is_no_padding_token(gpt2_copy: Path) -> None:
    edit_json(gpt2_copy / "tokenizer_config.json", lambda config: config.pop("pad_token"))
    edit_json(gpt2_copy / "config.json", lambda config: config.update(pad_token_id=None))
    loaded = load_model(str(gpt2_copy))
    assert loaded.tokenizer.pad_token == loaded.tokenizer.eos_token
    assert len(loaded.tokenizer) == loaded.model.get_input_embeddings().weight.shape[0]


def test_without_end_and_padding_no_token_vanishes_from_texts(gpt2_copy: Path) -> None:
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        edit_json(gpt2_copy / name, _forget_special_tokens)
    loaded = load_model(str(gpt2_copy))
    assert loaded.tokenizer.pad_token is None
    assert (loaded.pad_id, loaded.end_ids) == (0, frozenset())
    assert loaded.decode(loaded.encode("! the fox !")) == "! the fox !"


def _forget_special_tokens(config: dict[str, Any]) -> None:
    for name in [name for name in config if name.startswith(("bos_", "eos_", "pad_", "unk_"))]:
        del config[name]


def test_context_of_a_model_without_positions_is_the_tokenizers_or_the_usual_one(tiny_t5_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_t5_folder, tmp_path / "t5"))
    edit_json(folder / "config.json", lambda config: config.pop("n_positions"))
    assert load_model(str(folder)).context == 64
    edit_json(folder / "tokenizer_config.json", lambda config: config.update(model_max_length=int(1e30)))
    assert load_model(str(folder)).context == 512


def test_progress_rises_from_first_word_to_ready(tiny_gpt2_folder: Path) -> None:
    stages: list[tuple[str, float]] = []
    load_model(str(tiny_gpt2_folder), progress=lambda stage, share: stages.append((stage, share)))
    assert ("Reading the weights of tiny-gpt2", 0.3) in stages
    shares = [share for _, share in stages]
    assert shares == sorted(shares)
    assert (shares[0], stages[-1]) == (0.0, ("tiny-gpt2 is ready", 1.0))


def test_loading_writes_nothing_to_the_terminal(gpt2_copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    weights = load_file(gpt2_copy / "model.safetensors")
    save_file({**weights, "an.extra.head": torch.ones(3)}, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    load_model(str(gpt2_copy))
    assert capfd.readouterr() == ("", "")


def test_an_unknown_device_is_named_with_the_best_one() -> None:
    for name in ("toaster", "cuda:99"):
        with pytest.raises(SettingsError, match=rf"Device '{name}' is not on this machine. The best one here is"):
            load_model("gpt2", device=name)


# --- the catalogue


def test_shipped_come_first_then_published_then_suggestions(
    shipped: Path, tiny_gpt2_folder: Path, tiny_neo_folder: Path, publish: Callable[..., Path]
) -> None:
    shutil.copytree(tiny_gpt2_folder, shipped / "zebra")
    publish(tiny_neo_folder, "antelope", title="The Antelope", licence="MIT", metrics={"tales": {"perplexity": 12.5}})
    cards = catalogue()
    assert [(card.name, card.origin) for card in cards[:2]] == [("zebra", "shipped"), ("antelope", "published")]
    assert (cards[1].title, cards[1].licence, cards[1].metrics) == ("The Antelope", "MIT", {"tales": {"perplexity": 12.5}})
    assert [card.name for card in cards[2:]] == [card.name for card in SUGGESTED]
    assert default_model() == "zebra"
    assert load_model("antelope").card == describe("antelope") == cards[1]


def test_without_models_the_default_is_an_error_and_the_catalogue_still_stands(shipped: Path) -> None:
    assert shipped.is_dir()
    assert all(card.origin == "hub" for card in catalogue())
    with pytest.raises(UnknownModelError, match="No model is here yet"):
        default_model()


def test_a_hostile_card_stays_plain_text_and_never_breaks_the_catalogue(
    tiny_gpt2_folder: Path, shipped: Path, publish: Callable[..., Path]
) -> None:
    assert shipped.is_dir()
    publish(tiny_gpt2_folder, "markup", title="<script>alert(1)</script>\x00\u202e\n", summary=["no"], licence=7, format="nonsense", base=3)
    publish(tiny_gpt2_folder, "endless", title="x" * 100_000, metrics={"a": {"b": {"c": {"d": 1}}}, "nan": float("nan"), "list": [1]})
    for name, text in (("broken", "{"), ("wrong", "[]"), ("deep", "[" * 100_000), ("bytes", "\x00")):
        (publish(tiny_gpt2_folder, name) / "narrative.json").write_text(text, encoding="utf-8")
    (publish(tiny_gpt2_folder, "latin") / "narrative.json").write_bytes(b"\xff\xfe\xff")
    cards = {card.name: card for card in catalogue() if card.origin == "published"}
    assert set(cards) == {"markup", "endless"}
    assert cards["markup"].title == "<script>alert(1)</script>"
    assert (cards["markup"].summary, cards["markup"].licence, cards["markup"].format, cards["markup"].base) == ("", "", "stream", None)
    assert len(cards["endless"].title) == 400
    assert cards["endless"].metrics == {"a": {"b": {}}}
    with pytest.raises(BrokenModelError, match=r"narrative.json of broken is damaged"):
        load_model("broken")


def test_the_catalogue_needs_no_torch_and_no_weights(tiny_gpt2_folder: Path, publish: Callable[..., Path]) -> None:
    publish(tiny_gpt2_folder, "mine")
    program = "import sys, narrative.models as m; m.catalogue(); m.describe('mine'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False).returncode == 0


@pytest.mark.parametrize("card", SUGGESTED, ids=lambda card: card.name)
def test_numbers_of_suggestions_are_those_of_the_architecture(card: Any) -> None:
    config = _reference_config(card.name)
    with torch.device("meta"):
        builder = AutoModelForSeq2SeqLM if card.kind == "seq2seq" else AutoModelForCausalLM
        assert builder.from_config(config).num_parameters() == card.parameters
    assert (config.num_hidden_layers, config.num_attention_heads, config.hidden_size) == (card.layers, card.heads, card.width)
    assert config.vocab_size == card.vocabulary
    assert getattr(config, "max_position_embeddings", card.context) == card.context


def _reference_config(name: str) -> Any:
    """The published config.json of each suggestion, where it differs from its family's defaults."""
    family, changes = {
        "gpt2": ("gpt2", {}),
        "distilgpt2": ("gpt2", {"n_layer": 6}),
        "gpt2-medium": ("gpt2", {"n_layer": 24, "n_head": 16, "n_embd": 1024}),
        "EleutherAI/gpt-neo-125m": (
            "gpt_neo",
            {"hidden_size": 768, "num_layers": 12, "num_heads": 12, "attention_types": [[["global", "local"], 6]], "vocab_size": 50257},
        ),
        "t5-base": ("t5", {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12, "vocab_size": 32128}),
        "HuggingFaceTB/SmolLM2-135M": (
            "llama",
            {
                "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
                "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 8192, "tie_word_embeddings": True,
            },
        ),
        "Qwen/Qwen2.5-0.5B": (
            "qwen2",
            {
                "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
                "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 32768, "tie_word_embeddings": True,
            },
        ),
    }[name]  # fmt: skip
    return AutoConfig.for_model(family, **changes)


# --- the cache


def test_the_cache_keeps_the_models_asked_for_last(tiny_gpt2_folder: Path, tiny_neo_folder: Path, tiny_llama_folder: Path) -> None:
    gpt2, neo, llama = map(str, (tiny_gpt2_folder, tiny_neo_folder, tiny_llama_folder))
    cache = ModelCache(capacity=2)
    first, second = cache.get(gpt2), cache.get(neo)
    assert cache.get(gpt2) is first
    cache.get(llama)  # drops neo, which was asked for longest ago
    assert len(cache) == 2
    assert cache.get(gpt2) is first
    assert cache.get(neo) is not second


def test_two_who_ask_at_once_wait_for_one_load(tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, release = [], threading.Event()

    def slow(name: str, **_: Any) -> LanguageModel:
        loads.append(name)
        assert release.wait(10)
        return tiny_gpt2

    monkeypatch.setattr("narrative.models.cache.load_model", slow)
    cache, got = ModelCache(), []
    threads = [threading.Thread(target=lambda: got.append(cache.get("gpt2"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join(10)
    assert (loads, len(got)) == (["gpt2"], 4)


def test_a_model_in_memory_does_not_wait_for_anothers_load(
    tiny_gpt2_folder: Path, tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ModelCache()
    here = cache.get(str(tiny_gpt2_folder))
    release = threading.Event()
    monkeypatch.setattr("narrative.models.cache.load_model", lambda *_, **__: release.wait(10) and tiny_gpt2)
    thread = threading.Thread(target=cache.get, args=("gpt2",))
    thread.start()
    try:
        started = time.monotonic()
        assert cache.get(str(tiny_gpt2_folder)) is here
        assert time.monotonic() - started < 1
    finally:
        release.set()
        thread.join(10)


def test_a_failed_load_is_not_kept(tmp_path: Path, tiny_gpt2_folder: Path) -> None:
    cache = ModelCache()
    with pytest.raises(UnknownModelError):
        cache.get(str(tmp_path / "late"))
    assert len(cache) == 0
    shutil.copytree(tiny_gpt2_folder, tmp_path / "late")
    assert cache.get(str(tmp_path / "late")).card.layers == 2


def test_a_model_that_changed_on_disk_is_loaded_anew(gpt2_copy: Path) -> None:
    cache = ModelCache()
    before = cache.get(str(gpt2_copy))
    weights = load_file(gpt2_copy / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1
    save_file(weights, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    assert cache.get(str(gpt2_copy)).fingerprint != before.fingerprint


def test_a_model_in_memory_does_not_change_with_its_file(gpt2_copy: Path) -> None:
    loaded = load_model(str(gpt2_copy))
    before = logits(loaded).clone()
    with (gpt2_copy / "model.safetensors").open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size // 2)
        file.write(b"\x7f" * (size - size // 2))
    torch.testing.assert_close(logits(loaded), before)


def test_a_cache_of_nothing_is_refused() -> None:
    with pytest.raises(NarrativeError, match="number of models to keep is 0"):
        ModelCache(capacity=0)
