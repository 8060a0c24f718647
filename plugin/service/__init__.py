"""What dockerd asks for, carried out: intent to the store, plan to the host, answer back."""
