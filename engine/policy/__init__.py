"""Policy: the file as its user writes it, and the frozen snapshot of it that requests are held against."""
