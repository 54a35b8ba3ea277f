"""An adapter and its base made into plain weights, with a check that the two say the same."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from narrative.errors import ModelError, NarrativeError, PublishingError
from narrative.models import SEQ2SEQ, describe, load_model
from narrative.models.adapters import lay_adapter
from narrative.models.loading import quiet
from narrative.models.weights import adapter_files, weight_files
from narrative.publishing.bases import Base

MOST_DIFFERENCE = 1e-3  # of a logit; rounding alone moves it by a few millionths
PROBES, LONGEST_PROBE = 2, 64  # texts of tokens drawn at random, and their length


def merge(adapter: Path, base: Base, folder: Path) -> float:
    """Write config and weights of the merged model to `folder`, where its tokenizer lies already; the largest difference of a logit.

    The adapter beside its base, and the files as they are read back, read the same drawn tokens, the added ones among them. Raises
    `PublishingError` when a logit differs by more than `MOST_DIFFERENCE`, and as `load_model` does.
    """
    under = load_model(base.asked, device="cpu")
    if base.fingerprint and under.fingerprint != base.fingerprint:
        raise PublishingError(
            f"'{base.title}' is not the model any more that this job was tuned from (fingerprint {base.fingerprint}; "
            f"here is {under.fingerprint}). An adapter is of use only with its own base."
        )
    with quiet():
        laid, tokenizer = lay_adapter(under, adapter)
        ids = _drawn(len(tokenizer), under.context)
        apart = _logits(laid, ids, under.kind)
        _write(laid, folder)
    kind = under.kind
    del laid, under
    gc.collect()  # a large model must not be in memory twice
    together = _logits(load_model(str(folder), device="cpu").model, ids, kind)
    difference = float((apart - together).abs().max())
    if not difference <= MOST_DIFFERENCE:
        raise PublishingError(
            f"The merged model doesn't say what the adapter said: a logit differs by {difference:.2g}, and at most {MOST_DIFFERENCE:g} is "
            "rounding. Publish the adapter without merging it."
        )
    return difference


def room_for_merge(adapter: Path, base: Base) -> int:
    """About how many bytes the merged weights take: those of the base in float32, as far as they are here."""
    try:
        return 4 * describe(base.asked).parameters + sum(file.stat().st_size for file in adapter_files(adapter))
    except ModelError:
        return 0


def _write(laid: Any, folder: Path) -> None:
    try:
        merged = laid.merge_and_unload(safe_merge=True)  # safe: refuses values that are no numbers
        merged.save_pretrained(folder)
    except (NarrativeError, OSError):
        raise
    except Exception as error:  # the libraries' own: a full disk is no OSError to safetensors
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise PublishingError(f"The merged weights can't be written: {reason[:200].rstrip('.')}. Nothing was changed.") from error
    for file in weight_files(folder):
        file.chmod(0o644)  # safetensors keeps what it writes to itself; a published model is for everybody on the machine


def _drawn(vocabulary: int, context: int) -> Any:
    """(PROBES, token): any ids, the same ones each time, the highest (added last) among them."""
    import torch

    length = max(2, min(LONGEST_PROBE, context, vocabulary))
    ids = torch.randint(vocabulary, (PROBES, length), generator=torch.Generator().manual_seed(0))
    ids[:, : length // 2] = torch.arange(vocabulary - 1, vocabulary - 1 - length // 2, -1)
    return ids


def _logits(model: Any, ids: Any, kind: str) -> Any:
    """(PROBES, token, vocabulary)"""
    import torch

    written = {"decoder_input_ids": ids} if kind == SEQ2SEQ else {}
    with torch.inference_mode():
        return model(input_ids=ids, use_cache=False, **written).logits.float()
