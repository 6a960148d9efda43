"""The races to come, each with its prediction, made once for all who follow the day."""
