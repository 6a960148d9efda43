"""Which version serves: the alias is polled, its version loaded, verified, swapped in or rejected."""
