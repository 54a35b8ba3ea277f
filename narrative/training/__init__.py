"""Training as a process: `python -m narrative.training JOB_DIR` reads `job.json` and leaves `model/`."""

from narrative.training.settings import Architecture, TrainingSettings

__all__ = ["Architecture", "TrainingSettings"]
