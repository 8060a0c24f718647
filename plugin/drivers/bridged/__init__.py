"""What modes have in common whose containers are on a bridge of their network, behind the host."""
