"""Look for the causes of what does not work: one check for each, which changes nothing."""
