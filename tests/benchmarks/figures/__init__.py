"""One module per figure; each has a FIGURE that the registry names."""
