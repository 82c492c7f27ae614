"""Trajectories of numbers from any language: tables, arrays of NumPy, printouts."""
