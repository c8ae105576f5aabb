"""What draws in a worker: the CPU and the GPU, and from how many arms each is used."""
