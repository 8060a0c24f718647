"""Groups of commands: a name that is not known is refused with the nearest one that is."""

import difflib

import click


class NearestGroup(click.Group):
    """Commands, of which the nearest is named for one that there is not."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=1)
            path = " ".join(("pynet", *ctx.command_path.split()[1:]))
            listed = f"'{path} --help' lists them"
            meant = f"did you mean {near[0]}?" if near else listed
            ctx.fail(f"there is no command {args[0]!r}; {meant}")
        return super().resolve_command(ctx, args)


def wants_json(context: click.Context, *, as_json: bool) -> bool:
    """Whether the command or the group that it is in was given --json."""
    above = context.parent
    return as_json or bool(above and above.params.get("as_json"))
