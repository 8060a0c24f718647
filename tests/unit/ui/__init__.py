"""The page of ``pynet ui``."""
