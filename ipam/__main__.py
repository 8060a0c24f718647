"""``python -m ipam``: the allocator on a store file, from the command line."""

from ipam.cli.commands import main

if __name__ == "__main__":
    main(prog_name="python -m ipam")
