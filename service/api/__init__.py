"""The HTTP side: requests in, problem+json or grades out. The only home of FastAPI."""
