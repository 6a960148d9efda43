"""The search of each family by Optuna, in processes; the blend, and the choice of one candidate."""
