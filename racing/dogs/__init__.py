"""Dogs and tracks by name, a dog's page, and the form lines of a race."""
