"""Trainings that wait, run and end, whatever happens to the page, the app or the worker."""
