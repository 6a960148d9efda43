"""The races of a training: their splits by time, and what a member learns from."""
