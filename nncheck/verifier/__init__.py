"""Verifies a person's own work: reads it in its form, holds it against what is true, and says what is wrong."""
