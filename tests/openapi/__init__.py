"""Tests of the OpenAPI document: its quality, its examples, and that no release breaks its users."""
