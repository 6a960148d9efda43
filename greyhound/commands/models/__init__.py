"""`greyhound models`: list, show, promote and roll back versions; webhooks; the export as files."""
