"""Grading: many people's submissions, untrusted, to points, feedback and one result each."""
