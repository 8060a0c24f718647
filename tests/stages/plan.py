"""What is run, in which order, and what may run beside what.

`make test` has one of each kind on both engines; what is exhaustive or long, and the second
kernel, is `make nightly`'s, in the order in which CI begins with it.
"""

from typing import Final

from tests.stages.stage import Stage

_BIN: Final = ".venv/bin"
# A test that takes ten minutes says where it is, and goes on.
_PYTEST: Final = f"{_BIN}/pytest -q --durations=20 -o faulthandler_timeout=600"
_PROOF: Final = f"{_BIN}/python -m tests.reliability --only"
_SHORT: Final = f"{_BIN}/python -m tests.reliability --short --only"
_ENGINES: Final = f"{_BIN}/python -m tests.lab.side_by_side tests/e2e"
_SERVERS: Final = (
    "packaging/packages kea-dhcp4-server kea-dhcp6-server radvd"  # of DHCP, beside dnsmasq
)
_MACHINE: Final = f"{_BIN}/python -m tests.vm"
# A trace for each cell of all matrices.
_WALK: Final = "tests/kernel/test_walk.py"
# Folders that need neither root nor an engine.
FAST: Final = (
    *("tests/unit", "tests/property", "tests/contract", "tests/conformance", "tests/golden"),
    *("tests/benchmarks", "tests/reliability", "tests/stages"),
)
# Proofs that need no engine, and those that do: the latter run on all engines at the same time.
# Death at every point takes minutes even in its short form, so it is the night's.
PROOFS: Final = ("fuzz", "crowd", "soak")
ENGINE_PROOFS: Final = (
    *("kill-loop", "boot", "live-restore", "crash-loop", "reboot"),
    *("engine-upgrade", "stale-endpoints"),
)
# Each has what uses the processor and what waits, and they take about as long as each other.
HOST: Final = "host"
KERNEL: Final = "kernel"
LAB: Final = "lab"

PACKAGES: Final = Stage(name="Debian packages", command="packaging/packages", seconds=60, lane=HOST)
ENVIRONMENT: Final = Stage(
    name="Python environment",
    command="make --no-print-directory venv",
    seconds=40,
    after=(PACKAGES.name,),
    lane=HOST,
)
ROOTS: Final = Stage(
    name="engines",
    command="make --no-print-directory engines",
    seconds=120,
    after=(PACKAGES.name,),
    lane=LAB,
)
TEST: Final = (
    PACKAGES,
    ENVIRONMENT,
    ROOTS,
    Stage(
        name="lint",
        command="make --no-print-directory lint",
        seconds=30,
        after=(ENVIRONMENT.name,),
        lane=HOST,
    ),
    Stage(
        name="unit, property, contract and conformance tests",
        command=f"{_PYTEST} {' '.join(FAST)}",
        seconds=100,
        after=(ENVIRONMENT.name,),
        lane=HOST,
    ),
    Stage(
        name="kernel tests",
        command=f"{_PYTEST} tests/kernel",
        seconds=280,
        after=(ENVIRONMENT.name, ROOTS.name),
        lane=KERNEL,
    ),
    Stage(
        name="reliability, short, on this host",
        command=f"{_SHORT} {' '.join(PROOFS)}",
        seconds=130,
        after=(ENVIRONMENT.name,),
        lane=KERNEL,
    ),
    Stage(
        name="managed plugin",
        command=f"{_BIN}/python -m tests.lab.prebuild",
        seconds=30,
        after=(ENVIRONMENT.name, ROOTS.name),
        lane=LAB,
    ),
    Stage(
        name="lab tests",
        command=f"{_PYTEST} tests/lab",
        seconds=20,
        after=(ENVIRONMENT.name, ROOTS.name),
        lane=LAB,
    ),
    Stage(
        name="reliability, short, on engines",
        command=f"{_SHORT} {' '.join(ENGINE_PROOFS)}",
        seconds=240,
        # A lab that starts sweeps what is dead, and these tests make something dead to look at.
        after=(ENVIRONMENT.name, ROOTS.name, "lab tests"),
        lane=HOST,
    ),
    Stage(
        name="end-to-end tests",
        command=_ENGINES,
        seconds=550,
        after=(ENVIRONMENT.name, "managed plugin"),
        lane=LAB,
    ),
)

# The machine has both processors to itself most of the time, so all of this is one lane.
NIGHTLY: Final = (
    Stage(
        name="setting up",
        command=f"make --no-print-directory setup engines && {_BIN}/python -m tests.lab.prebuild",
        seconds=20,
    ),
    Stage(
        name="property tests at random",
        command=f'{_PYTEST} tests/property --hypothesis-seed="$PYNET_SEED"',
        seconds=150,
    ),
    Stage(
        name="long tests without engines",
        command=f"{_SERVERS} && "
        f"{_PYTEST} -m nightly {' '.join(FAST)} tests/kernel tests/lab --ignore={_WALK}",
        seconds=150,
    ),
    Stage(
        name="traces beside packets",
        command=f"{_PYTEST} -m nightly {_WALK}",
        seconds=900,
    ),
    Stage(
        name="long end-to-end tests",
        command=f"{_SERVERS} && {_ENGINES} -m nightly",
        seconds=400,
    ),
    Stage(
        name="packages on bare hosts",
        command="packaging/packages lintian prometheus qemu-user-static && "
        f"{_PYTEST} -m nightly tests/packages",
        seconds=300,
    ),
    Stage(
        name="page in a browser",
        command=f"packaging/packages chromium && {_PYTEST} -m nightly tests/browser",
        seconds=90,
    ),
    Stage(
        name="virtual machine",
        command="make --no-print-directory machine",
        seconds=140,
    ),
    Stage(
        name="tests on Debian's kernel",
        command=f"{_PYTEST} tests/vm && {_MACHINE}",
        seconds=1000,
        after=("virtual machine",),
    ),
    Stage(
        name="end-to-end tests on Debian's kernel",
        command=f"{_MACHINE} -v tests/e2e/vm",
        seconds=250,
        after=("virtual machine",),
    ),
    *(
        Stage(name=f"reliability: {name}", command=f"{_PROOF} {name}", seconds=seconds)
        for name, seconds in (
            *(("crash-points", 1000), ("fuzz", 120), ("crowd", 60), ("soak", 300)),
            *(("kill-loop", 330), ("boot", 120), ("live-restore", 200), ("crash-loop", 120)),
            *(("reboot", 60), ("engine-upgrade", 60), ("stale-endpoints", 60)),
            *(("cluster-hammer", 400), ("cluster-outage --seconds 600", 700)),
        )
    ),
)
_BY_NAME: Final = {stage.name: stage for stage in NIGHTLY}
# What of the night CI runs, with death at as many points as there is time for.
NIGHT_IN_CI: Final = (
    _BY_NAME["setting up"],
    _BY_NAME["long tests without engines"],
    Stage(
        name="reliability: crash-points, a part",
        command=f"{_PROOF} crash-points --seconds 480",
        seconds=540,
    ),
)
