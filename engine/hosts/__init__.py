"""What hosts tell each other through the store that they share, beside the counters of limits."""
