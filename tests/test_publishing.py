"""A finished training goes out whole or not at all, and tells nothing of this machine."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_models import logits, t5, t5_tokenizer, write_lora, write_tiny
from transformers import PreTrainedModel, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from narrative import home
from narrative.corpus import load_corpus, write_corpus
from narrative.errors import BrokenModelError, NarrativeError, PublishingError, TrainingError
from narrative.formats import Record
from narrative.models import LanguageModel, ModelCache, catalogue, describe, load_model
from narrative.publishing import archive, hub_token_here, publish_job, push_to_hub
from narrative.publishing import merging as merging_module
from narrative.training import TrainingSettings
from narrative.training.job import Job

Publish = Callable[..., Path]
BASE = "somebody/plain"  # never asked for: it stands in settings only


@pytest.fixture(autouse=True)
def house() -> None:
    sides = [[Record(side, side, "", "", "The fox ran.")] for side in ("learned", "held back")]
    write_corpus("house", train=sides[0], test=sides[1], origin="the house's books", licence="all rights reserved")


def full_job(model: Path, name: str = "house-full-1", **changes: Any) -> Job:
    """A job as a finished training leaves it."""
    settings = TrainingSettings(**{"corpora": (("house", 1.0),), "base": BASE} | changes)
    job = Job.create(home.jobs() / name, settings)
    for step, loss in ((0, 4.0), (10, 2.0), (20, 3.0)):
        job.append_metrics(step=step, corpus="house", test_loss=loss, perplexity=loss * 10, bits_per_byte=loss / 2)
    job.write_state("finished", step=20, steps=20)
    job.note_corpora({"house": load_corpus("house").fingerprint})
    shutil.copytree(model, job.model)
    return job


def lora_job(base: LanguageModel, base_name: str, name: str = "house-lora-1", *, targets: tuple[str, ...] = ("c_attn",)) -> Job:
    job = full_job(Path(base.name), name, method="lora", base=base_name)
    shutil.rmtree(job.model)
    write_lora(base, job.model, targets=list(targets), base=base_name)
    base.tokenizer.save_pretrained(job.model)
    (job.model / "narrative.json").write_text(json.dumps({"base": base_name, "base_fingerprint": base.fingerprint}))
    return job


@pytest.fixture
def plain(publish: Publish, tiny_gpt2_folder: Path) -> str:
    """A base in the catalogue, with a card."""
    publish(tiny_gpt2_folder, "plain", title="Plain", licence="MIT")
    return "plain"


def card_of(name: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((home.published_models() / name / "narrative.json").read_text(encoding="utf-8"))
    return card


def left_behind(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name.startswith(".")) if root.is_dir() else []


def test_a_finished_job_is_in_the_catalogue_at_once_and_reads_as_it_did(tiny_gpt2_folder: Path, tiny_gpt2: LanguageModel) -> None:
    job = full_job(tiny_gpt2_folder)
    assert publish_job(job) == "house-full-1"
    loaded = load_model("house-full-1", device="cpu")
    assert torch.equal(logits(loaded), logits(tiny_gpt2))
    assert (loaded.card.origin, loaded.fingerprint) == ("published", tiny_gpt2.fingerprint)
    assert "house-full-1" in [card.name for card in catalogue()]
    assert left_behind(home.published_models()) == []
    assert job.model.is_dir()  # a copy: the job keeps its own


def test_the_card_tells_what_it_has_read_under_which_terms_and_how_well_it_reads(plain: str, tiny_gpt2_folder: Path) -> None:
    job = full_job(tiny_gpt2_folder, base=plain, format="tags", field="mood")
    publish_job(job, name="moody")
    card = card_of("moody")
    assert (card["base"], card["format"], card["field"], card["job"]) == ("plain", "tags", "mood", "house-full-1")
    assert card["summary"] == "Plain tuned on house (full)"
    assert card["licence"] == "base: MIT; texts: all rights reserved"
    assert card["trained_on"] == "house (the house's books); before that, Plain"
    assert [len(corpus["fingerprint"]) for corpus in card["corpora"]] == [64]
    assert card["metrics"] == {"house": {"test_loss": 2.0, "perplexity": 20.0, "bits_per_byte": 1.0, "step": 10}}  # of what was kept
    assert card["settings"]["learning_rate"] == job.settings().learning_rate
    assert len(card["date"].split("-")) == 3
    seen = describe("moody")
    assert (seen.base, seen.format, seen.licence, seen.metrics["house"]["perplexity"]) == ("plain", "tags", card["licence"], 20.0)
    publish_job(full_job(tiny_gpt2_folder, "last", keep="last"))
    assert card_of("last")["metrics"]["house"]["step"] == 20
    told = full_job(tiny_gpt2_folder, "told")
    told.write_state("finished", step=20, steps=20, kept=0)  # two corpora may be weighed: the training knows best
    publish_job(told)
    assert card_of("told")["metrics"]["house"]["step"] == 0


def test_a_corpus_that_was_built_again_since_is_named_with_the_fingerprint_of_what_was_learned(tiny_gpt2_folder: Path) -> None:
    job = full_job(tiny_gpt2_folder)
    learned = load_corpus("house").fingerprint
    write_corpus("house", train=[Record("new", "new", "", "", "The fox slept.")], test=(), origin="the house's books", licence="")
    publish_job(job)
    assert [(corpus["name"], corpus["fingerprint"]) for corpus in card_of("house-full-1")["corpora"]] == [("house", learned)]
    shutil.rmtree(home.corpora() / "house")
    publish_job(job)
    assert card_of("house-full-1")["corpora"][0]["origin"] == ""


def test_an_adapter_goes_in_with_the_name_and_fingerprint_of_its_base(plain: str, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, plain)
    expected = logits(load_model(plain, adapter=str(job.model), device="cpu"))
    publish_job(job)
    folder = home.published_models() / "house-lora-1"
    assert (folder / "adapter_model.safetensors").stat().st_size < 50_000
    assert not (folder / "model.safetensors").exists()
    card = card_of("house-lora-1")
    assert (card["base"], card["base_fingerprint"]) == ("plain", tiny_gpt2.fingerprint)
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "plain"
    loaded = load_model("house-lora-1", device="cpu")
    assert torch.equal(logits(loaded), expected)
    assert describe("house-lora-1") == loaded.card


def test_a_merged_adapter_is_plain_weights_that_say_the_same(plain: str, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, plain)
    expected = logits(load_model(plain, adapter=str(job.model), device="cpu"))
    publish_job(job, merge=True)
    folder = home.published_models() / "house-lora-1"
    assert not list(folder.glob("adapter_*"))
    torch.testing.assert_close(logits(load_model("house-lora-1", device="cpu")), expected, rtol=0, atol=1e-3)
    assert 0 <= card_of("house-lora-1")["merged"]["largest_logit_difference"] < 1e-3
    shutil.rmtree(home.published_models() / plain)
    assert load_model("house-lora-1", device="cpu").card.title == "house-lora-1"  # it needs its base no more


def test_a_merge_that_changes_what_the_model_says_is_refused(plain: str, tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    write = merging_module._write

    def spoilt(laid: Any, folder: Path) -> None:
        write(laid, folder)
        weights = load_file(folder / "model.safetensors")
        weights["transformer.ln_f.bias"] += 0.01
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(merging_module, "_write", spoilt)
    with pytest.raises(PublishingError, match=r"a logit differs by 0\.\d+, and at most 0\.001 is rounding"):
        publish_job(lora_job(tiny_gpt2, plain), merge=True)
    assert [path.name for path in home.published_models().iterdir()] == [plain]


def test_the_adapter_of_a_folder_is_merged_for_nobody_else_could_find_its_base(tiny_gpt2_folder: Path, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, str(tiny_gpt2_folder))
    publish_job(job)
    folder = home.published_models() / "house-lora-1"
    assert not (folder / "adapter_config.json").exists()
    assert (card_of("house-lora-1")["base"], card_of("house-lora-1")["base_fingerprint"]) == ("", tiny_gpt2.fingerprint)
    for file in folder.iterdir():
        assert str(tiny_gpt2_folder).encode() not in file.read_bytes()  # no path of this machine, in any file


def test_a_folder_that_is_the_catalogues_own_counts_by_its_name(plain: str, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, str(home.published_models() / plain))
    publish_job(job)
    assert card_of("house-lora-1")["base"] == "plain"
    assert load_model("house-lora-1", device="cpu").card.base == "plain"


def test_an_adapter_whose_base_was_replaced_is_refused_and_not_merged_with_the_wrong_one(plain: str, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, plain)
    weights = home.published_models() / plain / "model.safetensors"
    changed = {name: value * 1.5 for name, value in load_file(weights).items()}
    save_file(changed, weights, metadata={"format": "pt"})
    for merged in (False, True):
        with pytest.raises(PublishingError, match=f"'plain' is not the model any more .*fingerprint {tiny_gpt2.fingerprint}; here is "):
            publish_job(job, name="tuned", merge=merged)
    assert not (home.published_models() / "tuned").exists()


def calm_t5(words: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Weights as a training begins with: those of the other tests are so wild that rounding alone moves a logit by thousandths."""
    return T5ForConditionalGeneration(T5Config(**{**t5(words).config.to_dict(), "initializer_factor": 0.7}))


def test_t5_goes_out_whole_as_an_adapter_and_merged(tmp_path: Path, publish: Publish) -> None:
    folder = write_tiny(tmp_path / "t5", calm_t5, tokenizer=t5_tokenizer())
    publish(folder, "small-t5")
    base = load_model(str(folder), device="cpu")
    publish_job(full_job(folder, "whole"))
    assert torch.equal(logits(load_model("whole", device="cpu")), logits(base))
    assert describe("whole").kind == "seq2seq"
    job = lora_job(base, "small-t5", targets=("q", "v"))
    publish_job(job)
    publish_job(job, name="merged", merge=True)
    as_adapter, merged = (load_model(name, device="cpu") for name in ("house-lora-1", "merged"))
    torch.testing.assert_close(logits(merged), logits(as_adapter), rtol=0, atol=1e-3)
    assert not torch.allclose(logits(merged), logits(base), atol=1e-2)
    assert merged.kind == "seq2seq"


def test_tokens_that_the_training_added_are_there_after_a_merge(plain: str, tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path) -> None:
    job = lora_job(tiny_gpt2, plain)
    shutil.rmtree(job.model)
    fresh = load_model(str(tiny_gpt2_folder), device="cpu")
    fresh.tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    number = fresh.tokenizer.pad_token_id
    fresh.model.resize_token_embeddings(len(fresh.tokenizer), mean_resizing=False)
    config = LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, init_lora_weights=False, trainable_token_indices=[number])
    laid = get_peft_model(fresh.model, config).eval()
    laid.save_pretrained(job.model)
    fresh.tokenizer.save_pretrained(job.model)
    (job.model / "narrative.json").write_text(json.dumps({"base": plain, "base_fingerprint": tiny_gpt2.fingerprint}))
    ids = torch.tensor([[number, 5, number, 7]])
    with torch.no_grad():
        before = laid(input_ids=ids).logits
        for name, merged in (("adapter", False), ("merged", True)):
            publish_job(job, name=name, merge=merged)
            loaded = load_model(name, device="cpu")
            torch.testing.assert_close(loaded.model(ids).logits, before, rtol=0, atol=1e-3)
            assert loaded.encode("<|pad|>") == [number]


def test_weights_in_several_files_chat_templates_and_odd_vocabularies_are_carried_along(tiny_llama: LanguageModel, tmp_path: Path) -> None:
    model = tmp_path / "sharded"
    tiny_llama.model.save_pretrained(model, max_shard_size="40KB")
    tiny_llama.tokenizer.save_pretrained(model)
    extras = {
        "chat_template.jinja": "{{ messages }}",
        "additional_chat_templates/tool.jinja": "{{ tools }}",
        "spiece.model": "x",
        "merges.txt": "a b",
    }
    for name, content in extras.items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(content)
    (model / "training_args.bin").write_bytes(b"a pickle")
    (model / "run.py").write_text("print()")
    assert len(list(model.glob("model-*-of-*.safetensors"))) > 1
    publish_job(full_job(model))
    folder = home.published_models() / "house-full-1"
    assert {name: (folder / name).read_text() for name in extras} == extras
    assert not [name for name in ("training_args.bin", "run.py") if (folder / name).exists()]
    (folder / "spiece.model").unlink()  # no real one: it is there to be carried
    assert torch.equal(logits(load_model("house-full-1", device="cpu")), logits(tiny_llama))


def test_a_replaced_model_is_noticed_by_whoever_keeps_models_in_memory(plain: str, tiny_gpt2: LanguageModel) -> None:
    job, models = lora_job(tiny_gpt2, plain), ModelCache()
    publish_job(job)
    first = models.get("house-lora-1")
    assert models.get("house-lora-1") is first
    publish_job(job, merge=True)
    again = models.get("house-lora-1")
    assert again is not first
    assert again.fingerprint != first.fingerprint


def test_a_model_replaced_while_it_is_being_loaded_is_loaded_once_more(
    plain: str, tiny_gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, loads = lora_job(tiny_gpt2, plain), []
    publish_job(job)

    def load(name: str, **_: Any) -> LanguageModel:
        loads.append(name)
        loaded = load_model(name, device="cpu")
        if len(loads) == 1:
            publish_job(job, merge=True)
        return loaded

    monkeypatch.setattr("narrative.models.cache.load_model", load)
    assert ModelCache().get("house-lora-1").fingerprint == load_model("house-lora-1", device="cpu").fingerprint
    assert len(loads) == 2


BAD_NAMES = ["../up", "a/b", ".hidden", "a b", "x" * 97, "é", "a\0b", "-rf", "\n"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_nobody_could_ask_for_is_refused(name: str, tiny_gpt2_folder: Path) -> None:
    with pytest.raises(PublishingError, match="can't be a model's name: 1 to 96 letters"):
        publish_job(full_job(tiny_gpt2_folder), name=name)
    assert not home.published_models().exists()


def test_a_name_that_is_taken_is_refused_and_the_way_out_is_named(tiny_gpt2_folder: Path, shipped: Path, plain: str) -> None:
    shutil.copytree(tiny_gpt2_folder, shipped / "fable")
    job = full_job(tiny_gpt2_folder)
    for name, why in (("fable", "ships with Narrative"), ("gpt2", "a model of the hub"), (plain, "is not this job's")):
        with pytest.raises(PublishingError, match=f"{why}.*--name NAME"):
            publish_job(job, name=name)
    publish_job(job)
    before = (home.published_models() / "house-full-1").stat().st_ino
    shutil.rmtree(job.folder)
    other = full_job(tiny_gpt2_folder)  # deleted, and another one of the same name finished since, with other weights
    weights = {name: value * 2 for name, value in load_file(other.model / "model.safetensors").items()}
    save_file(weights, other.model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PublishingError, match="'house-full-1' is there already, and it is not this job's"):
        publish_job(other, name="house-full-1")
    assert [publish_job(other), publish_job(other)] == ["house-full-1-2", "house-full-1-2"]  # a name of its own, and the same one again
    assert (home.published_models() / "house-full-1").stat().st_ino == before


def test_a_job_that_is_not_finished_is_refused(tiny_gpt2_folder: Path) -> None:
    job = full_job(tiny_gpt2_folder)
    shutil.rmtree(job.model)
    job.write_state("stopped", step=5, steps=20)
    with pytest.raises(PublishingError, match=r"'house-full-1' has no finished model yet \(step 5 of 20\)"):
        publish_job(job)
    with pytest.raises(TrainingError, match="There is no job in nowhere"):
        publish_job(Job(home.jobs() / "nowhere"))


def test_a_model_that_was_damaged_since_is_refused(tiny_gpt2_folder: Path) -> None:
    job = full_job(tiny_gpt2_folder)
    weights = job.model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(BrokenModelError, match="was not copied to its end"):
        publish_job(job)
    weights.unlink()
    with pytest.raises(BrokenModelError, match=r"model\.safetensors is missing"):
        publish_job(job)
    assert not home.published_models().exists()


def test_links_out_of_the_models_folder_are_not_followed(tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"token": "hf_secret"}')
    job = full_job(tiny_gpt2_folder)
    (job.model / "notes.json").symlink_to(secret)
    with pytest.raises(PublishingError, match=r"'notes\.json' in the model's folder is no plain file but a link"):
        publish_job(job)
    (job.model / "notes.json").unlink()
    shutil.move(job.model, tmp_path / "elsewhere")
    job.model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PublishingError, match="is a link to another folder"):
        publish_job(job)
    assert not home.published_models().exists()


def test_a_link_in_the_models_place_is_never_followed(tiny_gpt2_folder: Path, tmp_path: Path) -> None:
    outside = Path(shutil.copytree(tiny_gpt2_folder, tmp_path / "outside"))
    home.published_models().mkdir()
    (home.published_models() / "house-full-1").symlink_to(outside)
    with pytest.raises(PublishingError, match="is not this job's"):
        publish_job(full_job(tiny_gpt2_folder), name="house-full-1")
    assert sorted(path.name for path in outside.iterdir()) == sorted(path.name for path in tiny_gpt2_folder.iterdir())


def test_hostile_texts_stay_text(tiny_gpt2_folder: Path) -> None:
    sides = [[Record(side, side, "", "", "x")] for side in ("a", "b")]
    evil = "</script>\x1b[31m\u202e" + "x" * 2000
    write_corpus("evil", train=sides[0], test=sides[1], origin=evil, licence=evil)
    publish_job(full_job(tiny_gpt2_folder, corpora=(("evil", 1.0),)))
    card = describe("house-full-1")
    for words in (card.summary, card.licence, card.trained_on):
        assert len(words) <= 400
        assert not [letter for letter in words if ord(letter) < 32 or letter == "\u202e"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system itself refuses to write longer files, as a full disk does."""
    before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_disk_that_takes_no_more_leaves_the_old_model_and_nothing_else(plain: str, tiny_gpt2: LanguageModel) -> None:
    job = lora_job(tiny_gpt2, plain)
    publish_job(job)
    before = logits(load_model("house-lora-1", device="cpu"))
    for attempt in (lambda: publish_job(job, merge=True), lambda: publish_job(job), lambda: archive(job)):
        with files_of_at_most(4000), pytest.raises(PublishingError, match="can't be written: ") as told:
            attempt()
        assert "\n" not in str(told.value)
        assert left_behind(home.published_models()) == []
        assert not list(home.downloads().glob("*")) if home.downloads().exists() else True
        assert torch.equal(logits(load_model("house-lora-1", device="cpu")), before)


def test_too_little_room_is_said_before_anything_is_written(tiny_gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home.home())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    job = full_job(tiny_gpt2_folder)
    for attempt in (publish_job, archive):
        with pytest.raises(PublishingError, match=r"The disk is too full: \d+ MB are needed in \w+, and 0 MB are free"):
            attempt(job)


def test_a_place_that_cannot_be_written_to_is_one_sentence(tiny_gpt2_folder: Path) -> None:
    home.published_models().write_text("a file where the folder should be")
    with pytest.raises(PublishingError, match="'house-full-1' can't be written: File exists"):
        publish_job(full_job(tiny_gpt2_folder))


def test_killed_in_the_middle_it_leaves_the_old_model_and_no_half_one(tiny_gpt2_folder: Path, plain: str, tiny_gpt2: LanguageModel) -> None:
    job = full_job(tiny_gpt2_folder)
    publish_job(job)
    code = (
        "import os, signal, sys; from pathlib import Path; from narrative.publishing import placing, publish_job; "
        "from narrative.training.job import Job; placing._exchange = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
        "publish_job(Job(Path(sys.argv[1])), name=sys.argv[2])"
    )
    for name in ("house-full-1", "new"):
        ended = subprocess.run([sys.executable, "-c", code, str(job.folder), name], check=False, timeout=60)
        assert ended.returncode == -signal.SIGKILL
    assert torch.equal(logits(load_model("house-full-1", device="cpu")), logits(tiny_gpt2))
    assert {card.name for card in catalogue() if card.origin == "published"} == {plain, "house-full-1"}
    halves = left_behind(home.published_models())
    assert len(halves) == 2
    for half in halves:  # the next one to publish sweeps them, a day later
        os.utime(home.published_models() / half, (0, 0))
    publish_job(job)
    assert left_behind(home.published_models()) == []


def test_where_names_cannot_be_exchanged_the_old_model_is_set_aside_and_put_back(
    tiny_gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from narrative.publishing import placing

    monkeypatch.setattr(placing, "_swapped", lambda *_: False)
    job = full_job(tiny_gpt2_folder)
    publish_job(job)
    publish_job(job)
    folder = home.published_models() / "house-full-1"
    assert [path.name for path in home.published_models().iterdir()] == ["house-full-1"]
    folder.rename(folder.with_name(f".house-full-1{placing.ASIDE}"))  # as a crash between the two renames leaves it
    publish_job(job, name="another")
    assert load_model("house-full-1", device="cpu").card.title == "house-full-1"


def test_an_archive_is_the_published_model_in_one_file(tiny_gpt2_folder: Path, tiny_gpt2: LanguageModel, tmp_path: Path) -> None:
    job = full_job(tiny_gpt2_folder)
    os.utime(job.model / "config.json", (0, 0))  # older than a zip can say
    file = archive(job)
    assert file.parent == home.downloads()
    with zipfile.ZipFile(file) as bundle:
        assert {entry.compress_type for entry in bundle.infolist()} == {zipfile.ZIP_STORED}
        bundle.extractall(tmp_path)
    loaded = load_model(str(tmp_path / "house-full-1"), device="cpu")
    assert torch.equal(logits(loaded), logits(tiny_gpt2))
    assert loaded.card.licence.endswith("all rights reserved")
    made = file.stat().st_ino
    assert (archive(job), file.stat().st_ino) == (file, made)  # asked again: not made again
    os.utime(file, (0, 0))
    assert archive(job).stat().st_mtime > 1  # swept, and made anew: the number of the old file may be given out again
    assert left_behind(home.downloads()) == []


def test_an_archive_holds_an_adapter_only_if_everybody_has_its_base(
    plain: str, tiny_gpt2: LanguageModel, tiny_gpt2_folder: Path, shipped: Path
) -> None:
    shutil.copytree(tiny_gpt2_folder, shipped / "fable")
    for base, wanted in ((plain, "model.safetensors"), ("fable", "adapter_model.safetensors")):
        with zipfile.ZipFile(archive(lora_job(tiny_gpt2, base, f"on-{base}"))) as bundle:
            assert f"on-{base}/{wanted}" in bundle.namelist()


class FakeHub:
    """Stands for `HfApi`: keeps what is sent, or answers as it is told."""

    def __init__(self, *, public: bool = False, error: Exception | None = None) -> None:
        self.public, self.error = public, error
        self.made: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}

    def create_repo(self, repo_id: str, **how: Any) -> str:
        if self.error:
            raise self.error
        self.made = {"repo_id": repo_id, **how}
        return f"https://huggingface.co/{repo_id}"

    def repo_info(self, _: str) -> FakeHub:
        return self

    @property
    def private(self) -> bool:
        return not self.public

    def upload_folder(self, *, folder_path: Path, **_: Any) -> None:
        self.files = {path.relative_to(folder_path).as_posix(): path.read_bytes() for path in folder_path.rglob("*") if path.is_file()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[..., FakeHub]:
    """hub(...): a hub that somebody here has a token of."""
    request.getfixturevalue("no_network")

    def make(**how: Any) -> FakeHub:
        fake = FakeHub(**how)
        monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_somebody")
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
        return fake

    return make


def test_a_push_is_private_and_carries_the_model_with_a_page_of_its_own(
    plain: str, tiny_gpt2: LanguageModel, hub: Callable[..., FakeHub]
) -> None:
    fake = hub()
    assert push_to_hub(lora_job(tiny_gpt2, plain), "somebody/house") == "https://huggingface.co/somebody/house"
    assert (fake.made["repo_id"], fake.made["private"]) == ("somebody/house", True)
    assert "model.safetensors" in fake.files  # merged: the hub doesn't know a model 'plain'
    page = fake.files["README.md"].decode()
    assert page.startswith('---\nlicense: "other"\nlibrary_name: "transformers"\n---\n')
    assert "- house: perplexity 20.00, 1.000 bits per byte" in page
    assert left_behind(home.downloads()) == []


@pytest.mark.usefixtures("no_network")
def test_a_push_without_a_token_asks_nobody(tiny_gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert not hub_token_here()
    with pytest.raises(PublishingError, match=r"No token .*hf auth login"):
        push_to_hub(full_job(tiny_gpt2_folder), "somebody/house")


def refusal(status: int) -> HfHubHTTPError:
    return HfHubHTTPError("a long story", response=httpx.Response(status, request=httpx.Request("POST", "https://huggingface.co")))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"error": refusal(401)}, "The hub refused somebody/house: the token is not valid"),
        ({"error": refusal(403)}, "the token may not write there"),
        ({"error": refusal(500)}, "it answered 500"),
        ({"error": httpx.ConnectTimeout("")}, r"The hub can't be reached \(no answer\)"),
        ({"error": httpx.ConnectError("")}, r"The hub can't be reached \(no connection\)"),
        ({"public": True}, "is on the hub already and everybody can read it"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(
    how: dict[str, Any], message: str, tiny_gpt2_folder: Path, hub: Callable[..., FakeHub]
) -> None:
    fake = hub(**how)
    with pytest.raises(PublishingError, match=message) as told:
        push_to_hub(full_job(tiny_gpt2_folder), "somebody/house")
    assert "\n" not in str(told.value)
    assert fake.files == {}
    assert left_behind(home.downloads()) == []


@pytest.mark.parametrize("repository", ["house", "a/b/c", "../x/y", "", "a b/c"])
def test_a_repository_that_is_none_is_refused(repository: str, tiny_gpt2_folder: Path, hub: Callable[..., FakeHub]) -> None:
    hub()
    with pytest.raises(NarrativeError, match="is no repository of the hub; it must be like 'owner/name'"):
        push_to_hub(full_job(tiny_gpt2_folder), repository)
