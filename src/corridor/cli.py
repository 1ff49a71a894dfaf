"""The command `corridor`: arguments in, calls out, errors as one clear line."""

import errno
import importlib
import sys
from typing import Final

import click

from corridor import __version__
from corridor.errors import CorridorError
from corridor.output import reason

COMMANDS: Final = {
    "run": "corridor.commands.run:run",
    "simulate": "corridor.commands.simulate:simulate",
    "convert": "corridor.commands.convert:convert",
    "backtest": "corridor.commands.backtest:backtest",
    "rulebook": "corridor.commands.rulebook:rulebook",
    "picture": "corridor.commands.picture:picture",
    "demo": "corridor.commands.demo:demo",
    "topics": "corridor.commands.topics:topics",
    "produce": "corridor.commands.produce:produce",
    "tail": "corridor.commands.tail:tail",
    "console": "corridor.commands.console:console",
    "doctor": "corridor.commands.doctor:doctor",
    "keys": "corridor.commands.keys:keys",
    "audit": "corridor.commands.audit:audit",
    "exporter": "corridor.commands.exporter:exporter",
}
"""Each command and where it stands; imported when it is called, not before."""
_OF_THE_SYSTEM: Final = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
)
"""What a person mends outside of Corridor: rights, and disks that are full or broken."""


class _Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="corridor")
def cli() -> None:
    """Corridor: a customs risk engine for streams.

    Judges every consignment in a stream of declarations, assigns one of four corridors and
    paints the digital picture of the day.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a CorridorError or a fault of disk or rights is one line on stderr and exit code 2."""
    try:
        code = cli.main(arguments, prog_name="corridor", standalone_mode=False)
    except CorridorError as error:
        click.echo(f"corridor: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _OF_THE_SYSTEM:
            raise
        click.echo(
            f"corridor: {error.filename or 'a file'}: {reason(error)}; mend that and run again", err=True
        )
        sys.exit(2)
    except click.BadParameter as error:
        where = error.ctx.command_path if error.ctx else "corridor"
        click.echo(f"corridor: {error.format_message().rstrip('.')} ({where} --help)", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("corridor: stopped by Ctrl-C", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
