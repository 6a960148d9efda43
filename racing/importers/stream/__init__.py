"""Recordings of Betfair's exchange stream: their messages, what a market is, and its prices at a minute."""
