"""Other people's test sets as golden rows."""
