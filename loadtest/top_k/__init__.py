"""What the best of a whole catalogue cost: drawn in a loop, and asked of a service."""
