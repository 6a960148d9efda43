"""Evaluation on the test races: beside baselines, market and champion, by slices, of places, of features."""
