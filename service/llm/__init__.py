"""Adapters of the model ports: the only place that talks to language models."""
