"""What a race is: vocabulary, database, importers, simulator, history, ratings, features, probabilities."""
