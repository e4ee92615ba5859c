"""debrief: grades interview answers against a rubric and gives feedback that can be defended."""

__version__ = "0.1.0"
