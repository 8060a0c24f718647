"""What a test without settings of its own is worth."""

from hypothesis import settings

from tests.property.effort import effort

settings.register_profile("pynet", effort(100))
settings.load_profile("pynet")
