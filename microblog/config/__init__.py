"""The settings: what there is, where it comes from, and how a text becomes a value."""
