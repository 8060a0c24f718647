"""The people's side: a second, local socket to look at the plugin, and to make it look again."""
