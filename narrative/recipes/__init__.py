"""Recipes: named, runnable configurations. Each is a module with `--data DIR`, and says where a stranger finds that data."""
