"""Whether this host is the one that the registry knows by its name.

Blocks never end by themselves, so an outage takes nothing away; the price is that nobody else may ever
act under a host's name.  A copy of a machine has its name and its ledger.  It shows when it boots: the
registry then has a session of the machine that runs, or a generation that the copy's ledger never saw.
What of the ledger's blocks is not the host's any more is dropped then.

Once in each boot the registry must be asked.  A restart of the process alone needs no registry.

What cannot be distinguished from a boot is a copy that boots with the same machine id while the original runs and has been cut
off from the registry for longer than a session lasts.
"""

from dataclasses import replace
from secrets import token_hex

from ipam.blocks.base import Identity, Ledger, NotAdmittedError, Registry
from ipam.blocks.keys import BLOCKS, about_key, block_key, blocks_of, host_key, node_key
from ipam.blocks.membership import leave_all


def admit(registry: Registry, ledger: Ledger, *, host: str, boot: str, instance: str) -> Identity:
    """This host in this boot of its machine; ``instance`` is for a ledger that is new, or another host's.

    May be repeated after anything it raises: NotAdmittedError, UnavailableError, UnknownOutcomeError,
    StoreError.
    """
    known = ledger.identity()
    if known is None or known.host != host:
        known = Identity(host=host, instance=instance)
        ledger.begin(known)
    if known.generation and known.boot == boot:
        return known
    key, node = host_key(host), node_key(host)
    found = registry.read(key).get(key)
    if found is None and known.generation:
        # It was forgotten, and has booted since: nothing of it is in use any more.
        known = Identity(host=host, instance=instance)
        ledger.begin(known)
    mine = {str(known) if known.generation else None, *ledger.attempts()}
    if known.generation and not known.boot and found == str(replace(known, boot=_boot_of(found))):
        mine.add(found)  # restored, and not yet admitted anew since: a copy would have been
    admitted = replace(known, generation=known.generation + 1, boot=boot)
    if found != str(admitted):
        if found not in mine:
            raise NotAdmittedError(_refusal(known, found))
        ledger.attempt(str(admitted))
        given = {key: found, node: None}
        if not registry.commit(given, {key: str(admitted)}, session={node: str(admitted)}):
            raise NotAdmittedError(
                f"host {host} is running, or was until a moment ago: if another machine has its machine-id "
                f"or a copy of its state, give this one its own; otherwise try again in half a minute"
            )
    _look_at_blocks(registry, ledger, admitted)
    if known.boot:
        # The ledger is no older one, and nothing of before the boot is in use.
        give_back_rest(registry, ledger, admitted)
    ledger.admit(admitted)
    return admitted


def attend(registry: Registry, identity: Identity) -> None:
    """Show that this host runs, for as long as a session lasts.

    Raises NotAdmittedError if another machine has its name, or it was forgotten; UnavailableError,
    UnknownOutcomeError.
    """
    key, node = host_key(identity.host), node_key(identity.host)
    text = str(identity)
    for present in (text, None):
        if registry.commit({key: text, node: present}, {}, session={node: text}):
            return
    raise NotAdmittedError(_refusal(identity, registry.read(key).get(key)))


def describe(registry: Registry, identity: Identity, about: str) -> None:
    """Have other hosts read this about the host; may be repeated.

    Raises UnavailableError, UnknownOutcomeError.  A host that is not admitted any more says nothing.
    """
    registry.commit({host_key(identity.host): str(identity)}, {about_key(identity.host): about})


def forget(registry: Registry, host: str) -> int:
    """Free all that a host has in the registry, which is gone for good; answer how many blocks it had.

    May be repeated.  Raises NotAdmittedError if the host runs, UnavailableError, UnknownOutcomeError.
    """
    key, node = host_key(host), node_key(host)
    found = registry.read(key).get(key)
    # Without its key it can claim nothing more, so that what is listed next is all.
    if found is not None and not registry.commit(
        {key: found, node: None}, {key: None, about_key(host): None}
    ):
        raise NotAdmittedError(
            f"host {host} is running, or was until a moment ago: stop pynet there, and try again in half a minute"
        )
    leave_all(registry, host)
    blocks = {
        each: owner
        for each, owner in registry.read(BLOCKS).items()
        if owner.partition(" ")[0] == host
    }
    return sum(registry.commit({each: owner}, {each: None}) for each, owner in blocks.items())


def _look_at_blocks(registry: Registry, ledger: Ledger, identity: Identity) -> None:
    """Drop what is not this host's any more: its ledger may be a copy of what it was once.

    What stays is written anew, so that a deletion under way, which that ledger does not know of, comes to
    nothing.
    """
    for pool in ledger.pools():
        held = registry.read(blocks_of(pool))
        for block in ledger.blocks(pool):
            key = block_key(pool, block)
            value = held.get(key)
            anew = {key: f"{identity.owner} {token_hex(4)}"}
            if not (identity.owns(value) and registry.commit({key: value}, anew)):
                ledger.drop(pool, block)


def give_back_rest(registry: Registry, ledger: Ledger, identity: Identity) -> None:
    """Let others have what the registry alone has as this host's: the end of what was being given back.

    Raises UnavailableError, UnknownOutcomeError, StoreError.
    """
    owned = {block_key(pool, block) for pool in ledger.pools() for block in ledger.blocks(pool)}
    for key, value in registry.read(BLOCKS).items():
        if identity.owns(value) and key not in owned:
            registry.commit({key: value}, {key: None})


def _boot_of(text: str | None) -> str:
    return (text or "").rpartition(" ")[2]


def _refusal(known: Identity, found: str | None) -> str:
    if found is None:
        return (
            f"host {known.host} was forgotten by the cluster, and its blocks may be another's: remove its "
            f"containers from cluster networks and let it begin anew"
        )
    if found.partition(" ")[0] != known.instance:
        return (
            f"another machine is host {known.host} in the cluster, or this one's state was lost: give this "
            f"machine a machine-id of its own, or forget the host in the cluster if it is gone"
        )
    return (
        f"a copy of host {known.host} has run since: only one machine may go on, so give this one a "
        f"machine-id of its own"
    )
