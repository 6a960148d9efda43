"""The experiment that runs, as this process sees it."""
