"""Trainings that wait, run and end, whatever happens to the page, the app or the worker."""

from narrative.jobs.queue import Queue
from narrative.jobs.row import JobRow

__all__ = ["JobRow", "Queue"]
