"""Readers, one file a format, and the one registry of them."""

from __future__ import annotations
