"""What one attention head is worth: the model without it, and how much less likely the chosen words become."""

from explain.ablation.ablation import AblationMap, HeadEffect, ablate_head, ablation_map
from explain.ablation.reading import KINDS
from explain.question import Target

__all__ = ["KINDS", "AblationMap", "HeadEffect", "Target", "ablate_head", "ablation_map"]
