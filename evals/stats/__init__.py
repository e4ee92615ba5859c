"""The numbers of an evaluation: pure functions of results. Nothing here reads a file, a clock or a model."""
