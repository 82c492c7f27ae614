"""The torch side: a worker process that trains on the device and takes float64 gradients on the CPU."""
