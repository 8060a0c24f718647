"""The page that shows a host's networks in a browser, served by ``pynet ui`` while that command runs."""
