"""Names -> models: the catalogue, safe loading, and a small cache."""

from narrative.models.cache import ModelCache
from narrative.models.card import CAUSAL, SEQ2SEQ, LanguageModel, ModelCard
from narrative.models.catalogue import catalogue, default_model, describe
from narrative.models.loading import load_model

__all__ = ["CAUSAL", "SEQ2SEQ", "LanguageModel", "ModelCache", "ModelCard", "catalogue", "default_model", "describe", "load_model"]
