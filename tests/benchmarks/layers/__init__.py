"""A plugin with timers at the doors of its layers, which tells where the time of a call goes."""
