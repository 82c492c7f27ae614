"""How platforms name what they export: each module reads one naming."""
