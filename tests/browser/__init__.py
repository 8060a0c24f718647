"""The page of ``pynet ui`` in a real browser."""
