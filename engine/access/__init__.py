"""Access: addresses and roles. Who may connect, and what a principal may reach."""
