"""Speed and size of the service, measured against a bare client doing the same calls in the same run."""
