"""What people ask: views, check and repair, reservations, backup and restore."""
