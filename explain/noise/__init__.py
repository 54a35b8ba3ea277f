"""Learned noise: how much each word's embedding may be blurred before the model notices (Guan et al. 2019)."""

from explain.noise.learned import learned_noise, rows_read
from explain.noise.optimiser import Noise, bearable_noise

__all__ = ["Noise", "bearable_noise", "learned_noise", "rows_read"]
