"""The fast way of training: the same loss and gradients as transformers and autograd, in every shape, and only where it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from narrative.training.fast import FastTrainer, fast_loss
from narrative.training.fast.attention import CHUNK
from narrative.training.fast.cross_entropy import linear_cross_entropy

VOCABULARY = 300
NO_DROPOUT = {"resid_pdrop": 0.0, "attn_pdrop": 0.0, "embd_pdrop": 0.0}


def gpt2(**changes: Any) -> GPT2LMHeadModel:
    shape = {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": VOCABULARY, "n_positions": 160, **NO_DROPOUT}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(**(shape | changes)))
        model.train()
        return model


def some_ids(batch: int, length: int) -> torch.Tensor:
    return torch.randint(VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(batch * length))


def gradients(model: torch.nn.Module, loss: torch.Tensor | None) -> dict[str, torch.Tensor]:
    assert loss is not None
    model.zero_grad()
    loss.backward()
    return learned(model)


def learned(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


def assert_equal(model: GPT2LMHeadModel, inputs: dict[str, torch.Tensor], *, count: float | None = None) -> None:
    """Loss and every gradient as transformers and autograd have them in double precision, within float32's rounding."""
    double = GPT2LMHeadModel(model.config).double().train()
    double.load_state_dict(model.state_dict())
    expected = double(**inputs, **({} if count is None else {"num_items_in_batch": count})).loss
    fast = fast_loss(model, threads=2)
    assert fast is not None
    loss = fast(inputs, count=count)
    assert loss is not None
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    right = gradients(double, expected)
    for name, grad in gradients(model, loss).items():
        assert (grad - right[name]).norm() <= 1e-5 * right[name].norm(), name


@pytest.mark.parametrize(("batch", "length"), [(4, 2 * CHUNK), (2, CHUNK + 1), (5, 37), (3, 1 + 2 * CHUNK), (2, 2)])
def test_loss_and_gradients_are_those_of_transformers(batch: int, length: int) -> None:
    ids = some_ids(batch, length)
    assert_equal(gpt2(), {"input_ids": ids, "labels": ids})


@pytest.mark.parametrize(
    "changes",
    [{"tie_word_embeddings": False}, {"activation_function": "gelu"}, {"activation_function": "gelu_pytorch_tanh"}, {"n_inner": 48}],
    ids=str,
)
def test_so_for_every_kind_of_gpt2_that_it_takes(changes: dict[str, Any]) -> None:
    ids = some_ids(4, 70)
    assert_equal(gpt2(**changes), {"input_ids": ids, "labels": ids})


def test_rows_that_are_not_learned_count_for_nothing_and_padding_is_not_seen() -> None:
    ids, mask = some_ids(5, 90), torch.ones(5, 90, dtype=torch.long)
    labels = ids.clone()
    labels[:, :20], labels[0, 60:], mask[0, 60:], labels[3] = -100, -100, 0, -100
    assert_equal(gpt2(), {"input_ids": ids, "labels": labels, "attention_mask": mask})


def test_the_count_of_a_step_over_several_batches_is_taken_as_given() -> None:
    ids = some_ids(4, 33)
    assert_equal(gpt2(), {"input_ids": ids, "labels": ids}, count=1000)


def test_large_scores_do_not_overflow() -> None:
    model = gpt2()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(60 if "attn.c_attn.weight" in name else 1)
    ids = some_ids(2, 100)
    loss = fast_loss(model, threads=2)({"input_ids": ids, "labels": ids})  # type: ignore[misc]
    assert loss is not None
    assert loss.item() == pytest.approx(model(input_ids=ids, labels=ids).loss.item(), rel=1e-4)
    assert all(grad.isfinite().all() for grad in gradients(model, loss).values())


def test_the_same_batch_gives_the_same_bits() -> None:
    model, ids = gpt2(), some_ids(6, 50)
    first, second = (gradients(model, fast_loss(model, threads=2)({"input_ids": ids, "labels": ids})) for _ in range(2))  # type: ignore[misc]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_gradients_of_two_batches_add_up() -> None:
    model, ids = gpt2(), some_ids(4, 40)
    fast = fast_loss(model, threads=2)
    assert fast is not None
    model.zero_grad()
    for part in ids.split(2):
        loss = fast({"input_ids": part, "labels": part})
        assert loss is not None
        (loss / 2).backward()
    summed = learned(model)
    for name, grad in gradients(model, model(input_ids=ids, labels=ids).loss).items():
        assert torch.allclose(summed[name], grad, rtol=1e-4, atol=1e-6), name


def test_chunks_of_the_output_layer_have_a_remainder() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden, head = torch.randn(150, 8, generator=generator), torch.randn(9000, 8, generator=generator)  # 64 rows a chunk
    targets = torch.randint(9000, (150,), generator=generator)
    grad_head = torch.zeros_like(head)
    loss, grad = linear_cross_entropy(hidden, head, targets, scale=0.5, grad_head=grad_head)
    a, b = hidden.double().requires_grad_(), head.double().requires_grad_()
    expected = torch.nn.functional.cross_entropy(a @ b.T, targets, reduction="sum") * 0.5
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert torch.allclose(grad.double(), a.grad, atol=1e-5)
    assert torch.allclose(grad_head.double(), b.grad, atol=1e-5)


def test_what_does_not_fit_goes_the_usual_way() -> None:
    frozen = gpt2()
    frozen.transformer.wte.weight.requires_grad_(False)
    checkpointed = gpt2()
    checkpointed.activation_checkpointing_enable()
    unfit = [
        gpt2(resid_pdrop=0.1),
        gpt2(activation_function="relu"),
        gpt2().to(torch.bfloat16),
        frozen,
        checkpointed,
        torch.nn.Linear(2, 2),
    ]
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "vocab_size": VOCABULARY,
    }
    unfit.append(LlamaForCausalLM(LlamaConfig(**shape)))
    assert [fast_loss(model) for model in unfit] == [None] * len(unfit)


def test_batches_that_do_not_fit_go_the_usual_way() -> None:
    fast, ids = fast_loss(gpt2(), threads=2), some_ids(2, 20)
    assert fast is not None
    batch = {"input_ids": ids, "labels": ids}
    left = torch.ones_like(ids)
    left[0, :5] = 0
    assert fast(batch | {"attention_mask": left}) is None
    assert fast(batch | {"token_type_ids": ids}) is None
    assert fast({"input_ids": ids}) is None
    assert fast({"input_ids": ids[:1], "labels": ids[:1]}) is None  # fewer sequences than threads
    with torch.autocast("cpu", torch.bfloat16):
        assert fast(batch) is None


def test_the_number_of_threads_of_everything_else_stays() -> None:
    before = torch.get_num_threads()
    ids = some_ids(3, 20)
    assert fast_loss(gpt2(), threads=3)({"input_ids": ids, "labels": ids}) is not None  # type: ignore[misc]
    assert torch.get_num_threads() == before


class Batches(Dataset[dict[str, torch.Tensor]]):
    def __len__(self) -> int:
        return 16

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        ids = some_ids(1, 24 + number)[0, :24]
        return {"input_ids": ids, "labels": ids}


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_training_learns_what_the_plain_trainer_learns(tmp_path: Path, accumulation: int) -> None:
    made = []
    for kind in (Trainer, FastTrainer):
        values: dict[str, Any] = {
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": accumulation,
            "max_steps": 4,
        }
        model = gpt2()
        trainer = kind(
            model=model,
            args=TrainingArguments(
                output_dir=str(tmp_path), learning_rate=1e-3, save_strategy="no", disable_tqdm=True, use_cpu=True, **values
            ),
            train_dataset=Batches(),
        )
        trainer.train()
        assert not isinstance(trainer, FastTrainer) or trainer.fast is not None
        made.append(model(input_ids=some_ids(2, 24), labels=some_ids(2, 24)).loss.item())
    assert made[1] == pytest.approx(made[0], rel=1e-5)
