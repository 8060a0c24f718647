"""What was promised to dockerd, kept where a crash cannot reach it."""
