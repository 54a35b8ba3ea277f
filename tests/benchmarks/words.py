"""What word importance costs, against Captum's own calls and the published noise optimiser, on a model of GPT-2's sizes with fresh weights.

    python -m tests.benchmarks.words [--rounds 3] [--prompt 40] [--completion 40] [--steps 16] [--only NAME]

Rounds alternate between the two sides, so that a busy machine slows both; a ratio is the median over the rounds. Both sides give
the same scores, and how far they lie apart is printed. Both take torch's own number of threads.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import psutil
import torch
from captum.attr import FeatureAblation, LayerIntegratedGradients, LLMAttribution, LLMGradientAttribution, TextTokenInput
from numpy.typing import NDArray

from explain.attribution import gradients
from explain.leaving import ablation
from explain.method import MethodSettings
from explain.methods import explain_words
from explain.noise import bearable_noise
from explain.passage import Passage, pieces_of
from explain.question import PIECES, WORDS, Question, whole
from explain.scorer import Scorer
from narrative.models import CAUSAL, LanguageModel, default_model, load_model
from tests.benchmarks.generation import gpt2_shaped

Scores = NDArray[np.float64]
RATE = 0.1  # of learned noise, as published
STORY = (
    "Once upon a time an astonishingly quarrelsome hedgehog lived underneath the lighthouse, and every Wednesday he complained to "
    "the fishermen about seaweed and the thunderstorms. One afternoon a wandering blacksmith knocked, and the hedgehog opened the door. "
    "“Magnificent weather,” said the blacksmith, “and I have brought cinnamon biscuits.” So the hedgehog was quiet for once. "
)


@dataclass(frozen=True)
class Case:
    """One text of `prompt` + `completion` tokens, before a model of GPT-2's sizes."""

    prompt: int
    completion: int
    rounds: int
    steps: int

    @cached_property
    def model(self) -> LanguageModel:
        return gpt2_shaped(load_model(default_model(), device="cpu").tokenizer)

    @cached_property
    def ids(self) -> list[int]:
        longest = self.prompt + self.completion
        return list(self.model.encode(STORY * (longest // 50 + 1))[:longest])

    @cached_property
    def question(self) -> Question:
        pieces = pieces_of(self.model, self.ids)
        return whole(Passage(self.model.name, self.model.fingerprint, CAUSAL, pieces[: self.prompt], pieces[self.prompt :]))

    def scorer(self) -> Scorer:
        return Scorer(self.model, self.question, baseline="end")

    def given(self) -> TextTokenInput:
        """The prompt for Captum, with the same baseline."""
        given = TextTokenInput(self.model.decode(self.ids[: self.prompt]), self.model.tokenizer, baselines=min(self.model.end_ids))
        if given.inp_tensor[0].tolist() != self.ids[: self.prompt]:
            raise SystemExit(f"A prompt of {self.prompt} tokens ends inside a word. Give another number.")
        return given

    @property
    def asked(self) -> torch.Tensor:
        return torch.tensor(self.ids[self.prompt :])


def alternating(sides: Mapping[str, Callable[[], Scores]], rounds: int) -> dict[str, Scores]:
    """Prints seconds and the ratio to the first side; gives what each side found."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    found: dict[str, Scores] = {}
    for _ in range(rounds):
        for name, work in sides.items():
            began, busy = time.perf_counter(), time.process_time()
            found[name] = work()
            taken[name].append((time.perf_counter() - began, time.process_time() - busy))
    peer = taken[next(iter(sides))]
    for name, own in taken.items():
        clock, busy = (statistics.median(side) for side in zip(*own, strict=True))
        ratios = [statistics.median(mine[one] / theirs[one] for mine, theirs in zip(own, peer, strict=True)) for one in (0, 1)]
        print(f"  {name:32} {clock:7.2f} s ({busy:7.2f} CPU): {ratios[0]:6.3f} of the time ({ratios[1]:6.3f} CPU)", flush=True)
    return found


def leave_one_out(case: Case) -> None:
    """Wanted: at most 0.65 of Captum's time, equal within 1e-4; words less again."""

    def captums() -> Scores:
        way = LLMAttribution(FeatureAblation(case.model.model), case.model.tokenizer)
        found = way.attribute(case.given(), case.asked, use_cached_outputs=False, forward_in_tokens=False)
        return np.asarray(found.seq_attr.double().numpy())

    def ours(unit: str, stop: int | None) -> Scores:
        spans = [one for one in case.question.spans(unit) if stop is None or one.start < stop]
        return ablation(case.scorer(), spans, MethodSettings()).scores

    prompt = case.question.written_from
    found = alternating(
        {
            "Captum, correct setting": captums,
            "ours, by pieces": lambda: ours(PIECES, prompt),
            "ours, by words": lambda: ours(WORDS, prompt),
            "ours, by pieces, all of the text": lambda: ours(PIECES, None),
        },
        case.rounds,
    )
    captum, pieces, words, _ = found.values()
    print(f"  {len(pieces)} pieces, {len(words)} words; apart {np.abs(captum - pieces).max():.1e} nats")


def integral(case: Case) -> None:
    """Wanted: at least 10 times faster. Captum holds the text's own words fixed, so that ours does here too, with as many points."""

    def captums() -> Scores:
        layers = LayerIntegratedGradients(case.model.model, case.model.model.get_input_embeddings())
        way = LLMGradientAttribution(layers, case.model.tokenizer)
        return np.asarray(way.attribute(case.given(), case.asked, n_steps=case.steps).seq_attr.double().numpy())

    def ours() -> Scores:
        scorer = case.scorer()
        scorer.free[case.prompt :] = False
        spans = case.question.spans(PIECES)[: case.prompt]
        enough, gradients.ENOUGH = gradients.ENOUGH, math.inf  # no more points than Captum takes
        try:
            return gradients.integrated_gradients(scorer, spans, MethodSettings(steps=case.steps)).scores
        finally:
            gradients.ENOUGH = enough

    captum, own = alternating({"Captum, an integral a token": captums, "ours, one integral": ours}, min(case.rounds, 1)).values()
    print(f"  {case.steps} points; apart {np.abs(captum - own).max():.1e} nats, the largest score {np.abs(captum).max():.2f}")
    took = time.perf_counter()
    whole_map = explain_words(case.model, case.question, method="integrated gradients", unit=PIECES, baseline="end")
    points, error = whole_map.checks["steps"], whole_map.checks["completeness_error"]
    print(f"  until it adds up, the text's own words too: {time.perf_counter() - took:.1f} s, {points:.0f} points, error {error:.2%}")


def gradient(case: Case) -> None:
    """Wanted: under a second."""
    alternating({"input x gradient": lambda: explain_words(case.model, case.question, unit=PIECES).scores}, max(3, case.rounds))


def noise(case: Case) -> None:
    """Wanted: at least 10 times faster than the published optimiser, at a smaller loss. 14 tokens, the last layer of the shipped model."""
    model: Any = load_model(default_model(), device="cpu")
    ids = torch.tensor([model.encode(STORY)[:14]])
    inputs = model.model.get_input_embeddings()(ids)[0].detach()

    def phi(rows: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = model.model.base_model(inputs_embeds=rows, use_cache=False).last_hidden_state
        return states

    with torch.no_grad():
        state = phi(inputs[None])
    size = float(state.square().mean().sqrt())
    cap = 10 * float(model.model.get_input_embeddings().weight.detach().std())

    def loss(sigma: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        change = ((phi(inputs + sigma[:, None] * drawn) - state) / size).square().mean()
        return change - RATE * sigma.log().mean()

    def published() -> Scores:
        """One draw a step, Adam at 0.01, 5,000 steps, a random start; a sigmoid holds sigma below the cap."""
        generator = torch.Generator().manual_seed(1)
        free = torch.randn(len(inputs), generator=generator).requires_grad_()
        adam = torch.optim.Adam([free], lr=0.01)
        for _ in range(5000):
            adam.zero_grad()
            loss(cap * free.sigmoid(), torch.randn((1, *inputs.shape), generator=generator)).backward()
            adam.step()
        return np.asarray((cap * free.sigmoid()).detach().double().numpy())

    def ours() -> Scores:
        found = bearable_noise(
            phi, inputs, torch.arange(len(inputs)), normaliser=size, rate=RATE, cap=cap, steps=MethodSettings().noise_steps
        )
        return np.asarray(found.sigma.double().numpy())

    found = alternating({"published optimiser": published, "ours": ours}, min(case.rounds, 1))
    drawn = torch.randn((4096, *inputs.shape), generator=torch.Generator().manual_seed(2)).split(64)
    for name, sigma in found.items():
        with torch.no_grad():
            losses = torch.stack([loss(torch.from_numpy(sigma).float(), part) for part in drawn])
        print(f"  {name:32} loss {losses.mean():.5f}, give or take {losses.std() / len(drawn) ** 0.5:.5f}; both on the same 4,096 draws")


def memory(case: Case) -> None:
    """Peak of resident memory at 512 tokens, each in a process of its own, beyond what model and libraries take."""
    del case
    for method in MEMORY:
        given = [sys.executable, "-m", "tests.benchmarks.words", "--peak", method, "--prompt", "256", "--completion", "256"]
        print(f"  {method:32} {subprocess.run(given, check=True, capture_output=True, text=True).stdout.strip()}", flush=True)


def peak(case: Case, method: str) -> str:
    scorer, spans = case.scorer(), case.question.spans(PIECES)
    scorer.original()
    before = psutil.Process().memory_info().rss
    MEMORY[method](scorer, [*spans[:8], *spans[250:258], *spans[-40:]])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return f"{(after - before) / 2**20:6.0f} MB more than the {before / 2**20:.0f} MB before"


MEMORY: dict[str, Callable[[Scorer, Any], object]] = {
    "ablation": lambda scorer, spans: ablation(scorer, spans, MethodSettings()),
    "integrated gradients": lambda scorer, spans: gradients.integrated_gradients(scorer, spans, MethodSettings(steps=4)),
}
PARTS: dict[str, Callable[[Case], None]] = {
    "ablation": leave_one_out, "integrated gradients": integral, "input x gradient": gradient, "noise": noise, "memory": memory,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 3), ("prompt", 40), ("completion", 40), ("steps", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--peak", choices=MEMORY, help=argparse.SUPPRESS)
    options = parser.parse_args()
    case = Case(options.prompt, options.completion, options.rounds, options.steps)
    case.scorer().original()  # warm
    if options.peak:
        print(peak(case, options.peak))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {case.prompt} + {case.completion} tokens, the last ones watched")
    for name, part in PARTS.items():
        if options.only in {None, name}:
            print(name, flush=True)
            part(case)


if __name__ == "__main__":
    main()
