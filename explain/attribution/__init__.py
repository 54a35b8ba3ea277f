"""Captum's methods: by gradients, by words that stay or go, and any of them on noisy texts."""

from explain.attribution.gradients import gradient_shap, input_x_gradient, integrated_gradients, saliency
from explain.attribution.perturbation import kernel_shap, lime, occlusion, shapley
from explain.attribution.tunnel import through_noise

__all__ = [
    "gradient_shap", "input_x_gradient", "integrated_gradients", "kernel_shap", "lime", "occlusion", "saliency", "shapley", "through_noise",
]  # fmt: skip
