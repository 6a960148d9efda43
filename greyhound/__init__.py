"""The command `greyhound`: one subcommand for each thing that a person does."""
