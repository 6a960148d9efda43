"""`greyhound demo`: a simulated season passes day by day beside a service that watches itself."""
