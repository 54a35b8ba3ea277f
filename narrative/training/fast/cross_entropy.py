"""The output layer and its loss in one pass over chunks of rows, so that the logits never leave the cache.

Wijmans et al. 2024 ("Cut Your Losses in Large-Vocabulary Language Models"), without their skipping of small gradients.
The softmax's division is done on the narrow side: on the rows that go into the product, not on the logits.
"""

from __future__ import annotations

import torch

ROOM = 1 << 19  # logits in a chunk: 2 MB


def linear_cross_entropy(
    hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, *, scale: float, grad_head: torch.Tensor
) -> tuple[float, torch.Tensor]:
    """Sum of the rows' cross-entropies, times `scale`, and its gradient for `hidden`.

    hidden: (row, width), head: (vocabulary, width), targets: (row,). The gradient for `head` is added to `grad_head`.
    """
    total, grad_hidden = 0.0, torch.empty_like(hidden)
    rows = max(64, ROOM // len(head))
    for start in range(0, len(hidden), rows):
        part, target = hidden[start : start + rows], targets[start : start + rows]
        logits = part @ head.T
        highest = logits.amax(1, keepdim=True)
        chosen = logits.gather(1, target[:, None]) - highest
        weights = logits.sub_(highest).exp_()
        sums = weights.sum(1, keepdim=True)
        total += float((sums.log() - chosen).sum(dtype=torch.float64))
        grad_hidden[start : start + rows] = (weights @ head).div_(sums).sub_(head[target]).mul_(scale)
        grad_head.addmm_(weights.T, part / sums, alpha=scale)
        grad_head.index_add_(0, target, part, alpha=-scale)
    return total * scale, grad_hidden
