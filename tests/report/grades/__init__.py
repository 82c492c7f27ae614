"""Tests of the formats of grading."""
