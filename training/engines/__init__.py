"""Where parallel work is done: in processes here, or on the workers of a Dask scheduler."""
