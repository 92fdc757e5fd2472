"""Clips that tests make for themselves."""
