"""The experiment that runs, as this process sees it, and who answers a card in it."""
