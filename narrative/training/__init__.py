"""Training as a process: `python -m narrative.training JOB_DIR` reads `job.json` and leaves `model/`."""

from narrative.training.architectures import Architecture
from narrative.training.settings import TrainingSettings

__all__ = ["Architecture", "TrainingSettings"]
