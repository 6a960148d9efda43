"""Retraining: new files in, train, register, shadow; it can be interrupted anywhere and goes on there."""
