"""The front end: a Flask app that shows what the service serves, and asks it for more."""
