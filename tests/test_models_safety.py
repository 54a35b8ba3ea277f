"""A wrong name or a spoilt folder gives one clear sentence; nothing that comes with a model is ever run."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import Bomb, edit_json, logits, write_lora
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

from narrative import home
from narrative.errors import BrokenModelError, ModelError, UnknownModelError, UnsafeModelError
from narrative.models import LanguageModel, catalogue, describe, load_model

# --- names


@pytest.mark.parametrize(
    "name",
    [
        "fabel",
        "../../etc",
        "..",
        ".",
        "",
        " ",
        "~",
        "~nobody/x",
        "/etc",
        "a\x00b",
        "x" * 5000,
        "x" * 5000 + "+y",
        "+",
        "fable-5m+",
        "fable-5m+\x00",
        "owner/../x",
        "a/b/c",
        "-x/y",
        "\U0001f98a",
    ],
)
@pytest.mark.usefixtures("no_network")
def test_names_that_lead_nowhere_say_what_is_here(name: str, tiny_gpt2_folder: Path, publish: Callable[..., Path]) -> None:
    publish(tiny_gpt2_folder, "fable-5m")
    for ask in (load_model, describe):
        with pytest.raises(UnknownModelError, match=r"There is no model .*Here are: .*fable-5m"):
            ask(name)


def test_a_misspelt_name_gets_a_suggestion(tiny_gpt2_folder: Path, publish: Callable[..., Path]) -> None:
    publish(tiny_gpt2_folder, "tall-tales")
    with pytest.raises(UnknownModelError, match="Did you mean 'tall-tales'"):
        load_model("tal-tales")
    with pytest.raises(UnknownModelError, match="Did you mean 'distilgpt2'"):
        load_model("distillgpt2")


def test_a_catalogue_name_never_leads_out_of_the_catalogue(tiny_gpt2_folder: Path) -> None:
    home.published_models().mkdir(parents=True)
    (home.published_models() / "link").symlink_to(tiny_gpt2_folder)
    with pytest.raises(UnknownModelError):
        load_model("link")
    assert "link" not in {card.name for card in catalogue()}


@pytest.mark.usefixtures("no_network")
def test_local_models_ask_no_network(
    tiny_gpt2_folder: Path, tiny_gpt2: LanguageModel, tmp_path: Path, publish: Callable[..., Path]
) -> None:
    publish(tiny_gpt2_folder, "mine")
    adapter = write_lora(tiny_gpt2, tmp_path / "lora", targets=["c_attn"], base="mine")
    assert load_model("mine").model
    assert load_model(str(adapter)).model
    assert catalogue()
    assert describe("somebody/something").here is False


# --- damaged and hostile folders


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_a_pickle_is_refused_with_a_way_out_and_never_opened(gpt2_copy: Path, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "exploded"
    (gpt2_copy / "model.safetensors").unlink()
    (gpt2_copy / name).write_bytes(pickle.dumps({"x": Bomb(mark)}))
    for ask in (load_model, describe):
        with pytest.raises(UnsafeModelError, match=rf"{name}, a pickle.*save_pretrained"):
            ask(str(gpt2_copy))
    assert not mark.exists()


def test_a_pickle_beside_safetensors_is_not_read(gpt2_copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    (gpt2_copy / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Bomb(mark)}))
    assert load_model(str(gpt2_copy)).model
    assert not mark.exists()


def test_custom_code_is_never_run(gpt2_copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()\nclass C: pass\n"
    for name in ("evil.py", "configuration_evil.py", "modeling_evil.py", "tokenization_evil.py"):
        (gpt2_copy / name).write_text(code)
    auto = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C", "AutoTokenizer": ["evil.C", "evil.C"]}
    edit_json(gpt2_copy / "config.json", lambda config: config.update(auto_map=auto))
    edit_json(gpt2_copy / "tokenizer_config.json", lambda config: config.update(auto_map=auto))
    assert load_model(str(gpt2_copy)).card.architecture == "GPT-2"  # transformers' own family: read without the code
    edit_json(gpt2_copy / "config.json", lambda config: config.update(model_type="evil"))
    with pytest.raises(UnsafeModelError, match="never runs code that comes with a model"):
        load_model(str(gpt2_copy))
    assert not mark.exists()


def test_a_config_cannot_choose_kernels_or_other_weight_files(gpt2_copy: Path, tmp_path: Path, tiny_gpt2: LanguageModel) -> None:
    shutil.copy(gpt2_copy / "model.safetensors", tmp_path / "outside.safetensors")
    change = {"attn_implementation": "kernels-community/evil", "transformers_weights": "../outside.safetensors"}
    edit_json(gpt2_copy / "config.json", lambda config: config.update(change))
    loaded = load_model(str(gpt2_copy))
    assert loaded.model.config._attn_implementation in ("sdpa", "eager")
    torch.testing.assert_close(logits(loaded), logits(tiny_gpt2))


@pytest.mark.parametrize("size", [0, 4, 20, 500, -1])
def test_truncated_weights_name_the_file(gpt2_copy: Path, size: int) -> None:
    file = gpt2_copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:size])
    for ask in (load_model, describe):
        with pytest.raises(BrokenModelError, match=r"model\.safetensors of copy is damaged or was not copied to its end"):
            ask(str(gpt2_copy))


@pytest.mark.parametrize(
    "data",
    [b"garbage" * 100, b"\xff" * 800, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}", b"\x09\0\0\0\0\0\0\0{\"a\":{}} "],
)  # fmt: skip
def test_garbage_weights_are_broken(gpt2_copy: Path, data: bytes) -> None:
    (gpt2_copy / "model.safetensors").write_bytes(data)
    with pytest.raises(BrokenModelError):
        load_model(str(gpt2_copy))


def test_missing_weights_are_never_made_up(gpt2_copy: Path) -> None:
    weights = load_file(gpt2_copy / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenModelError, match=r"not whole: transformer\.h\.1\.mlp\.c_fc\.weight is missing"):
        load_model(str(gpt2_copy))


def test_weights_that_are_no_numbers_are_broken(gpt2_copy: Path) -> None:
    weights = load_file(gpt2_copy / "model.safetensors")
    weights["transformer.wpe.weight"][3, 3] = float("nan")
    save_file(weights, gpt2_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenModelError, match=r"no numbers \(in transformer\.wpe\.weight\)"):
        load_model(str(gpt2_copy))


@pytest.mark.parametrize(
    "change", [{"n_embd": 64}, {"vocab_size": 401}, {"n_layer": 10**9}, {"n_head": "four"}, {"n_head": 0}, {"n_embd": 10**12}]
)
def test_a_config_that_does_not_fit_is_broken(gpt2_copy: Path, change: dict[str, Any]) -> None:
    edit_json(gpt2_copy / "config.json", lambda config: config.update(change))
    with pytest.raises(BrokenModelError):
        load_model(str(gpt2_copy))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "narrative.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "\x00\x01"])
def test_damaged_json_is_a_sentence_and_never_a_crash(gpt2_copy: Path, name: str, text: str) -> None:
    (gpt2_copy / name).write_text(text)
    with pytest.raises(BrokenModelError, match="copy"):
        load_model(str(gpt2_copy))


def test_a_missing_tokenizer_or_config_is_named(gpt2_copy: Path) -> None:
    (gpt2_copy / "tokenizer.json").unlink()
    with pytest.raises(BrokenModelError, match=r"copy has no tokenizer: tokenizer\.json is missing"):
        load_model(str(gpt2_copy))
    (gpt2_copy / "config.json").unlink()
    with pytest.raises(BrokenModelError, match=r"copy is not whole: config\.json is missing"):
        load_model(str(gpt2_copy))


def test_a_tokenizer_with_more_tokens_than_the_weights_is_broken(gpt2_copy: Path, tiny_gpt2: LanguageModel) -> None:
    small = GPT2LMHeadModel(GPT2Config(**{**tiny_gpt2.model.config.to_dict(), "vocab_size": 300}))
    small.save_pretrained(gpt2_copy)
    with pytest.raises(BrokenModelError, match="ids up to 399, the model reads 0 to 299"):
        load_model(str(gpt2_copy))


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "sub/x.safetensors", "..\\x.safetensors", "evil.bin", 7])
def test_an_index_never_leads_out_of_its_folder(gpt2_copy: Path, name: Any) -> None:
    shutil.move(gpt2_copy / "model.safetensors", gpt2_copy.parent / "outside.safetensors")
    (gpt2_copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"transformer.wte.weight": name}}))
    with pytest.raises(BrokenModelError, match=r"model\.safetensors\.index\.json of copy"):
        load_model(str(gpt2_copy))


def test_an_index_with_a_missing_file_names_it(gpt2_copy: Path) -> None:
    (gpt2_copy / "model.safetensors").unlink()
    (gpt2_copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    with pytest.raises(BrokenModelError, match=r"copy is not whole: model-1\.safetensors is missing"):
        load_model(str(gpt2_copy))


def test_models_that_do_not_write_are_refused_kindly(tmp_path: Path, gpt2_copy: Path) -> None:
    BertForMaskedLM(
        BertConfig(vocab_size=400, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    ).save_pretrained(tmp_path / "bert")
    shutil.copy(gpt2_copy / "tokenizer.json", tmp_path / "bert")
    with pytest.raises(ModelError, match="bert is a bert model, which doesn't write text"):
        load_model(str(tmp_path / "bert"))
    for change, message in (
        ({"model_type": "vit"}, "vit model, which doesn't write"),
        ({"model_type": 3}, "transformers doesn't know: model_type 3"),
    ):
        edit_json(gpt2_copy / "config.json", lambda config, change=change: config.update(change))
        with pytest.raises(ModelError, match=message):
            load_model(str(gpt2_copy))


def test_a_quantised_checkpoint_is_refused_kindly(gpt2_copy: Path) -> None:
    edit_json(gpt2_copy / "config.json", lambda config: config.update(quantization_config={"quant_method": "gptq", "bits": 4}))
    with pytest.raises(ModelError, match="stored quantised"):
        load_model(str(gpt2_copy))
