"""Whether a device computes rightly: every operator that training uses, held against float64 on the CPU."""
