"""The tests of a module are found by its name.

Either a test module has the name (``test_vlan.py``, ``test_vlan_again.py``) or one in the room's own
folder, or of a real kernel or a contract, imports it.  Of the others the table says where to look.
"""

import ast
from pathlib import Path
from typing import Final

from tests.unit.test_house import MODULES, ROOT, names

TESTS: Final = ROOT / "tests"
WHERE: Final = {
