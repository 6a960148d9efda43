"""Tests of the client, against the service on a socket."""
