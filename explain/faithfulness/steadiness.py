"""Does the map stay as it is when the words are blurred a little?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from captum.metrics import sensitivity_max

from explain.faithfulness.report import LOWER, Measure
from explain.importance import WordImportance
from explain.method import MethodSettings
from explain.methods import METHODS, run_method
from explain.scorer import Scorer

RADIUS = 0.1  # of the standard deviation of the text's embeddings
MOST_SAMPLES = 4  # each one is a map of its own


def sensitivity_measure(scorer: Scorer, importance: WordImportance, *, samples: int, seed: int) -> Measure:
    """Captum's sensitivity_max (Yeh et al. 2019, definition 3.1): the largest change of the map, as a share of it, between the text
    and texts whose every embedding number is moved by at most `RADIUS` standard deviations."""
    way, settings = METHODS[importance.method], MethodSettings.of(importance.settings)
    radius, counted = RADIUS * float(scorer.embeddings.std()), importance.counted()
    chance = torch.Generator().manual_seed(seed)

    def explained(texts: Any) -> tuple[torch.Tensor]:
        """(text, token, width), in a tuple or not -> (text, word), in a tuple always: Captum takes what comes for the first text apart."""
        texts = texts[0] if isinstance(texts, tuple) else texts
        with torch.enable_grad():
            maps = [run_method(way, scorer.with_embeddings(text.detach()), importance.words, settings).scores[counted] for text in texts]
        return (torch.from_numpy(np.stack(maps)),)

    def blur(texts: torch.Tensor, most: float) -> torch.Tensor:
        moved = (torch.rand(texts.shape, generator=chance) * 2 - 1) * most
        return texts + moved.to(texts) * scorer.free[:, None]

    found = sensitivity_max(explained, scorer.embeddings[None], blur, perturb_radius=radius, n_perturb_samples=min(samples, MOST_SAMPLES))
    value = float(found)
    sentence = (
        f"When all words are blurred by at most {RADIUS:.0%} of the spread of their embeddings, the map changes by up to {value:.0%} of "
        "its size. Lower is steadier; a steady map need not be a true one."
    )
    return Measure("sensitivity", "Blurred words", "", value, None, None, None, None, LOWER, sentence)
