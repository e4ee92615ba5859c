"""The programs that show how the service bears load."""
