"""What every request passes before it is handled: id, headers, limits, and keys where they are asked for."""
