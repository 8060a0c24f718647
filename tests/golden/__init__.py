"""What pynet says to nftables, word by word, and the page that explains it.

``PYNET_WRITE_GOLDEN=1 pytest tests/golden`` writes the files anew, ``PYNET_WRITE_DOCS=1`` the
page; what changed is then read as a diff.
"""
