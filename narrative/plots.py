"""Plotly figures of training."""
