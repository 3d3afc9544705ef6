"""Answers for machines: whether the site lives, whether it is ready, and its numbers."""
