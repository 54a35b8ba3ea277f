"""What a model holds after each of its layers, read no further than to that layer."""

from __future__ import annotations

from typing import Any

import torch

from explain.noise.problem import Phi
from explain.scorer import Scorer
from explain.twin import layers_of
from narrative.models import SEQ2SEQ


class _Reached(BaseException):  # no Exception: what a model catches on its way must not stop it
    """Leaves a model half-way, with the state that it has come to."""

    def __init__(self, state: torch.Tensor) -> None:
        super().__init__()
        self.state = state


def state_after(scorer: Scorer, layer: int) -> Phi:
    """(row, token, width) -> (row, place, width): what this layer gives out in the places that the target is read from.

    These are the places of the tokens right before each of the target's, so that the map tells when a word arrives where the target
    is made of it: a word that a later layer fetches bears much noise until then. (The published map takes the states of all places;
    in it each word mostly blurs its own.) Against `instead`, the places are those of the target. Nothing above the layer is computed.
    """
    block, border, places = layers_of(scorer.model, scorer.reader)[layer], scorer.question.offset, len(scorer.asked)

    def leave(_: Any, __: Any, given: Any) -> None:
        raise _Reached((given if isinstance(given, torch.Tensor) else given[0])[:, -places:])

    def state(embeddings: torch.Tensor) -> torch.Tensor:
        inputs = {"inputs_embeds": embeddings}
        if scorer.model.kind == SEQ2SEQ:
            inputs = {"inputs_embeds": embeddings[:, :border], "decoder_inputs_embeds": embeddings[:, border:]}
        hook = block.register_forward_hook(leave)
        try:
            scorer.reader(**inputs, use_cache=False)
        except _Reached as reached:
            found = reached.state
        else:
            raise RuntimeError("a layer was never reached")
        finally:
            hook.remove()
        scorer.tick(len(embeddings))
        return found

    return state
