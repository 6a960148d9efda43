"""Notifications: what lies in the outbox goes to people and to other programs."""
