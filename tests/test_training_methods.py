"""What can learn, from what, and how: LoRA, families of models, formats."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_tales import write_labelled
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from narrative import home
from narrative.corpus import Corpus
from narrative.errors import CorpusError, SettingsError, TrainingError
from narrative.formats import END, PADDING, START, Example, format_named
from narrative.models import LanguageModel, load_model
from narrative.training import Architecture, TrainingSettings
from narrative.training.architectures import FAMILIES, SIZES
from narrative.training.beginning import begin
from narrative.training.job import Job
from narrative.training.lora import lay
from narrative.training.rows import RowShape
from narrative.training.run import train


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return write_labelled(tmp_path_factory.mktemp("corpora"), "moods")


def quick(corpus: Corpus, **changes: Any) -> TrainingSettings:
    usual = {
        "max_steps": 8, "learning_rate": 3e-3, "batch_size": 4, "evaluate_every": 8, "log_every": 4, "precision": "float32", "threads": 1,
        "sample_tokens": 0, "keep": "last", "warmup": 0.0,
    }  # fmt: skip
    return TrainingSettings(corpora=((str(corpus.folder), 0.0),), **usual | changes)


def trained(folder: Path, settings: TrainingSettings) -> Job:
    job = Job.create(folder / "job", settings)
    assert train(job)
    return job


def trained_with_a_stop(folder: Path, settings: TrainingSettings) -> Job:
    """The same, stopped after its first step and resumed."""
    job = Job.create(folder / "job", settings)
    job.ask_stop()
    assert not train(job)
    job.clear_stop()
    assert train(job)
    return job


def losses_on_test(job: Job) -> list[float]:
    return [line["test_loss"] for line in job.metrics() if "corpus" in line]


def losses_of(job: Job) -> list[float]:
    return [line["loss"] for line in job.metrics() if "loss" in line]


# ---- LoRA


@pytest.mark.parametrize(("rank", "published"), [(8, 405_504), (16, 811_008), (32, 1_622_016)])
def test_lora_on_attention_and_mlp_of_distilgpt2_has_the_published_number_of_parameters(rank: int, published: int, tales: Corpus) -> None:
    with torch.device("meta"):
        model = GPT2LMHeadModel(GPT2Config(n_layer=6))
    laid = lay(model, quick(tales, base="x", method="lora", lora_rank=rank, lora_targets="c_attn,c_proj"), kind="causal")
    assert sum(weight.numel() for weight in laid.parameters() if weight.requires_grad) == published
    assert laid.peft_config["default"].lora_alpha == 2 * rank


def test_each_kind_of_model_has_its_usual_lora_layers(tiny_model: LanguageModel, tales: Corpus) -> None:
    expected = {"gpt2": {"c_attn"}, "gpt_neo": {"q_proj", "v_proj"}, "llama": {"q_proj", "v_proj"}, "t5": {"q", "v"}}
    family = tiny_model.model.config.model_type
    plain: Any = type(tiny_model.model)(tiny_model.model.config)
    laid = lay(plain, quick(tales, base="x", method="lora"), kind=tiny_model.kind)
    named = {name.split(".lora_A")[0].rpartition(".")[2] for name, _ in laid.named_parameters() if ".lora_A" in name}
    assert named == expected[family]
    assert all(("lora_" in name) == weight.requires_grad for name, weight in laid.named_parameters())


def test_a_lora_target_that_is_no_layer_is_refused_with_those_there_are(tiny_gpt2: LanguageModel, tales: Corpus) -> None:
    plain = GPT2LMHeadModel(tiny_gpt2.model.config)
    with pytest.raises(SettingsError, match=r"'q_proj' is no layer of this model. Choose among: c_attn, c_fc, c_proj"):
        lay(plain, quick(tales, base="x", method="lora", lora_targets="c_attn,q_proj"), kind="causal")


def test_a_lora_run_learns_leaves_the_base_alone_and_loads_as_an_adapter(
    tiny_gpt2_folder: Path, publish: Callable[..., Path], tales: Corpus, tmp_path: Path
) -> None:
    publish(tiny_gpt2_folder, "house-base")
    before = load_model("house-base", device="cpu")
    job = trained(tmp_path, quick(tales, base="house-base", method="lora", lora_rank=4, learning_rate=2e-2))
    assert losses_on_test(job)[-1] < losses_on_test(job)[0] - 0.05
    assert sorted(path.name for path in job.model.glob("*.safetensors")) == ["adapter_model.safetensors"]
    tuned = load_model(str(job.model), device="cpu")
    assert (tuned.card.base, tuned.kind) == ("house-base", "causal")
    changed = [
        name
        for (name, old), new in zip(before.model.named_parameters(), tuned.model.parameters(), strict=True)
        if not torch.equal(old, new)
    ]
    assert {name.split(".attn.")[-1] for name in changed} == {"c_attn.weight"}
    assert plain_loss(tuned, tales) == pytest.approx(losses_on_test(job)[-1], rel=1e-4)  # merged, measured without Trainer


def plain_loss(model: LanguageModel, corpus: Corpus) -> float:
    """Nats per token over the packed blocks of the test side, by plain torch."""
    ids = [one for record in corpus.records("test") for one in [*model.tokenizer(record.text)["input_ids"], model.tokenizer.eos_token_id]]
    size = model.context
    nats = count = 0.0
    for start in range(0, len(ids) - size + 1, size):
        block = torch.tensor(ids[start : start + size])
        with torch.no_grad():
            nats += float(torch.nn.functional.cross_entropy(model.model(block[None]).logits[0, :-1], block[1:], reduction="sum"))
        count += size - 1
    return nats / count


def test_a_lora_run_that_was_stopped_ends_where_an_undisturbed_one_does(
    tiny_gpt2_folder: Path, publish: Callable[..., Path], tales: Corpus, tmp_path: Path
) -> None:
    publish(tiny_gpt2_folder, "house-base")
    settings = quick(tales, base="house-base", method="lora", lora_dropout=0.1, learning_rate=1e-2)
    straight = trained(tmp_path / "a", settings)
    job = trained_with_a_stop(tmp_path / "b", settings)
    assert losses_on_test(job) == pytest.approx(losses_on_test(straight), rel=1e-6)


def test_a_run_does_not_go_on_from_other_weights_than_it_began_with(
    tiny_gpt2_folder: Path, tiny_neo_folder: Path, publish: Callable[..., Path], tales: Corpus, tmp_path: Path
) -> None:
    import shutil

    folder = publish(tiny_gpt2_folder, "house-base")
    job = Job.create(tmp_path / "job", quick(tales, base="house-base", method="lora"))
    job.ask_stop()
    assert not train(job)
    job.clear_stop()
    shutil.rmtree(folder)
    publish(tiny_neo_folder, "house-base")
    with pytest.raises(TrainingError, match="'house-base' has changed since this job began"):
        train(job)
    shutil.rmtree(home.published_models() / "house-base")
    with pytest.raises(Exception, match="no model 'house-base'"):
        train(job)
    assert job.state()["state"] == "failed"


# ---- families


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_can_be_built_from_scratch_and_learns(family: str, tales: Corpus, tmp_path: Path) -> None:
    wanted = Architecture(family=family, layers=2, heads=2, width=32, vocabulary=300, context=32)
    job = trained(tmp_path, quick(tales, method="scratch", architecture=wanted, max_steps=12, evaluate_every=12))
    assert losses_on_test(job)[-1] < losses_on_test(job)[0] - 0.2
    loaded = load_model(str(job.model), device="cpu")
    assert loaded.kind == ("seq2seq" if family == "t5" else "causal")
    assert loaded.model.config.model_type == family


def test_the_sizes_have_about_the_parameters_that_they_are_named_for() -> None:
    for name, size in SIZES.items():
        assert size.parameters / 1e6 == pytest.approx(float(name.rstrip("m")), rel=0.12), name


def test_a_base_of_each_kind_learns_in_full(
    tiny_model: LanguageModel, request: pytest.FixtureRequest, tales: Corpus, tmp_path: Path
) -> None:
    folder = {"gpt2": "gpt2", "gpt_neo": "neo", "llama": "llama", "t5": "t5"}[tiny_model.model.config.model_type]
    base = request.getfixturevalue(f"tiny_{folder}_folder")
    job = trained(tmp_path, quick(tales, base=str(base), learning_rate=1e-3))
    assert losses_on_test(job)[-1] < losses_on_test(job)[0] - 0.05
    assert load_model(str(job.model), device="cpu").kind == tiny_model.kind


def test_an_encoder_decoder_reads_the_first_half_of_a_block_and_writes_the_second(
    tiny_t5_folder: Path, tales: Corpus, tmp_path: Path
) -> None:
    job = trained(tmp_path, quick(tales, base=str(tiny_t5_folder), context=32, max_steps=1, evaluate_every=1, learning_rate=1e-9))
    model = AutoModelForSeq2SeqLM.from_pretrained(job.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_t5_folder)
    ids = [
        one
        for record in tales.records("test")
        for one in [*tokenizer(record.text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    ]
    nats = count = 0.0
    for start in range(0, len(ids) - 31, 32):
        block = torch.tensor([ids[start : start + 32]])
        with torch.no_grad():
            nats += float(model(input_ids=block[:, :16], labels=block[:, 16:]).loss) * 16
        count += 16
    assert losses_on_test(job)[0] == pytest.approx(nats / count, rel=1e-5)


# ---- formats


def written_by_hand(name: str, record: Any) -> tuple[str, str]:
    if name == "tags":
        return f"Tags: {record.metadata['tags']}\nStory:\n", record.text.strip()
    return f"Text: {' '.join(record.text.split())}\nLabel:", f" {record.metadata['label']}"


@pytest.mark.parametrize(("batch", "context"), [(4, 64), (3, 54)])
def test_with_tags_the_loss_counts_the_story_alone(batch: int, context: int, tiny_gpt2_folder: Path, moods: Corpus, tmp_path: Path) -> None:
    settings = quick(moods, base=str(tiny_gpt2_folder), format="tags", batch_size=batch, context=context, max_steps=2, evaluate_every=1)
    job = trained(tmp_path, settings)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(job.model).eval(), AutoTokenizer.from_pretrained(job.model)
    nats = count = size = 0.0
    for record in moods.records("test"):
        given, story = (tokenizer(text)["input_ids"] for text in written_by_hand("tags", record))
        story = [*story, tokenizer.eos_token_id]
        if len(given) + len(story) > context:  # the story has at least half of it
            story = story[: max(context - len(given), context // 2)]
            given = given[len(given) + len(story) - context :]
        ids = torch.tensor([*given, *story])
        with torch.no_grad():
            logits = model(ids[None]).logits[0, len(given) - 1 : -1]
        nats += float(torch.nn.functional.cross_entropy(logits, ids[len(given) :], reduction="sum"))
        count += len(ids) - len(given)
        size += len(tokenizer.decode(story, skip_special_tokens=True).encode())  # of what was read, not of what was cut off
    last = [line for line in job.metrics() if "corpus" in line][-1]
    assert last["test_loss"] == pytest.approx(nats / count, rel=1e-5)
    assert last["bits_per_byte"] == pytest.approx(nats / math.log(2) / size, rel=1e-5)
    assert losses_on_test(job)[-1] < losses_on_test(job)[0]
    cut = [note["text"] for note in job.notes() if note["kind"] == "truncated"]
    assert bool(cut) == (context == 54)


def test_an_example_that_is_too_long_keeps_the_end_of_what_is_read_and_the_beginning_of_what_is_written(tiny_gpt2: LanguageModel) -> None:
    shape = RowShape(tiny_gpt2.tokenizer, format_named("tags"), "tags", 20, "causal")
    given, story = "Tags: " + "Twist, " * 40, "Once upon a time there was a fox. " * 9
    ids = [tiny_gpt2.tokenizer(text)["input_ids"] for text in (given, story)]
    assert shape.ids(Example(given, story)) == (ids[0][-10:], ids[1][:10], True)
    read, written = (tiny_gpt2.tokenizer(text)["input_ids"] for text in ("Story: ", "The fox"))
    assert shape.ids(Example("Story: ", "The fox")) == (read, [*written, tiny_gpt2.tokenizer.eos_token_id], False)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_labels_stand_between_tokens_of_their_own_which_the_finished_model_knows(
    method: str, tiny_gpt2_folder: Path, publish: Callable[..., Path], moods: Corpus, tmp_path: Path
) -> None:
    publish(tiny_gpt2_folder, "house-base")
    before = load_model("house-base", device="cpu")
    settings = quick(moods, base="house-base", method=method, format="label", learning_rate=1e-2, max_steps=10, evaluate_every=10)
    job = trained(tmp_path, settings)
    assert losses_on_test(job)[-1] < losses_on_test(job)[0] - 0.2
    tuned = load_model(str(job.model), device="cpu")
    start, pad = tuned.tokenizer.convert_tokens_to_ids([START, PADDING])
    assert {start, pad} == {len(before.tokenizer), len(before.tokenizer) + 1}
    assert tuned.tokenizer.eos_token == END
    assert tuned.encode("a fox")[0] == start
    nats = count = size = 0.0
    for record in moods.records("test"):
        given, label = written_by_hand("label", record)
        ids = torch.tensor(
            [*tuned.encode(given), *tuned.tokenizer(label, add_special_tokens=False)["input_ids"], tuned.tokenizer.eos_token_id]
        )
        with torch.no_grad():
            nats += float(torch.nn.functional.cross_entropy(tuned.model(ids[None]).logits[0, :-1], ids[1:], reduction="sum"))
        count += len(ids) - 1
        size += len(f"{given}{label}".encode())
    assert losses_on_test(job)[-1] == pytest.approx(nats / count, rel=1e-4)
    assert [line["bits_per_byte"] for line in job.metrics() if "corpus" in line][-1] == pytest.approx(nats / math.log(2) / size, rel=1e-4)


def test_an_encoder_decoder_reads_the_text_and_writes_the_label(tiny_t5_folder: Path, moods: Corpus, tmp_path: Path) -> None:
    settings = quick(moods, base=str(tiny_t5_folder), format="label", max_steps=6, evaluate_every=3, learning_rate=1e-3)
    job = trained(tmp_path, settings)
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(job.model).eval(), AutoTokenizer.from_pretrained(job.model)
    nats = count = 0.0
    for record in moods.records("test"):
        given, label = written_by_hand("label", record)
        read = tokenizer(given, return_tensors="pt")["input_ids"][:, :64]
        labels = tokenizer(label, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            nats += float(model(input_ids=read, labels=labels).loss) * labels.numel()
        count += labels.numel()
    assert losses_on_test(job)[-1] == pytest.approx(nats / count, rel=1e-4)
    assert losses_of(job)


def test_with_a_prefix_every_line_begins_with_the_number_of_its_book(moods: Corpus) -> None:
    record = next(iter(moods.records("train")))
    lines = format_named("prefix").example(record, "gid").text.split("\n")
    assert [line for line in lines if line] == [f"{record.metadata['gid']}|{line}" for line in record.text.split("\n") if line]
    assert lines[1] == ""  # between two stanzas


@pytest.mark.parametrize("form", ["prefix", "tags", "label"])
def test_a_record_without_the_column_is_named_with_the_columns_it_has(form: str, moods: Corpus, tales: Corpus) -> None:
    record = next(iter(moods.records("train")))
    with pytest.raises(CorpusError, match=r"'moods-1-0' has nothing in the column 'mood'.*gid, label, tags"):
        format_named(form).example(record, "mood")
    with pytest.raises(CorpusError, match="It has no columns besides its text"):
        format_named(form).example(next(iter(tales.records("train"))), format_named(form).field)


def test_a_corpus_without_the_column_fails_the_run_with_the_reason(tiny_gpt2_folder: Path, tales: Corpus, tmp_path: Path) -> None:
    job = Job.create(tmp_path / "job", quick(tales, base=str(tiny_gpt2_folder), format="tags"))
    with pytest.raises(CorpusError, match="has nothing in the column 'tags'"):
        train(job)
    assert "column 'tags'" in job.state()["reason"]


def test_rows_come_each_once_in_a_pass_and_resume_in_the_same_order(tiny_gpt2_folder: Path, moods: Corpus, tmp_path: Path) -> None:
    settings = quick(
        moods, base=str(tiny_gpt2_folder), format="label", epochs=2.0, max_steps=None, learning_rate=1e-3, dropout=0.1, log_every=3
    )
    straight = trained(tmp_path / "a", settings)
    assert max(line["step"] for line in straight.metrics()) == 2 * 60 / 4
    checkpoints = sorted(path.name for path in straight.folder.glob("checkpoint-*"))
    assert checkpoints == ["checkpoint-15", "checkpoint-30"]  # one after each pass
    job = trained_with_a_stop(tmp_path / "b", settings)
    assert losses_on_test(job) == pytest.approx(losses_on_test(straight), rel=1e-5)
    assert [line["tokens"] for line in job.metrics() if "tokens" in line][-1] == 2 * begun_tokens(straight)


def begun_tokens(job: Job) -> int:
    """Tokens of one pass, counted from the token file."""
    return int(job.tokens.joinpath("0-train.bin").stat().st_size) // 4


def test_gradient_checkpointing_changes_memory_and_nothing_else(tiny_gpt2_folder: Path, tales: Corpus, tmp_path: Path) -> None:
    settings = quick(tales, base=str(tiny_gpt2_folder), max_steps=4, evaluate_every=4)
    plain = trained(tmp_path / "a", settings)
    thrifty = trained(tmp_path / "b", replace(settings, gradient_checkpointing=True))
    thrifty_lora = trained(tmp_path / "c", replace(settings, gradient_checkpointing=True, method="lora", learning_rate=1e-2))
    assert losses_on_test(thrifty) == pytest.approx(losses_on_test(plain), rel=1e-5)
    assert losses_on_test(thrifty_lora)[-1] < losses_on_test(thrifty_lora)[0]


def test_lora_leaves_the_dropout_of_its_own_layers_alone(tiny_gpt2_folder: Path, tales: Corpus, tmp_path: Path) -> None:
    settings = quick(tales, base=str(tiny_gpt2_folder), method="lora", lora_dropout=0.25, dropout=0.5)
    model = begin(Job.create(tmp_path / "job", settings), settings, [tales]).model
    shares = {name.rpartition("lora_dropout")[1]: layer.p for name, layer in model.named_modules() if isinstance(layer, torch.nn.Dropout)}
    assert shares["lora_dropout"] == 0.25
