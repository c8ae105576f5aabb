"""The load suite: python -m loadtest COMMAND, python -m loadtest COMMAND --help."""

import argparse
import importlib
import subprocess
import sys

from loadtest.processes import end_children_too

# Each is a module of this package with a docstring, add_arguments(parser) and run(options).
COMMANDS = (
    "compare",
    "load",
    "overload",
    "soak",
    "size",
    "report",
)


def main() -> None:
    """Run the command that the arguments name; what is the matter goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m loadtest", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"loadtest.{name}")
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, name=name)
    options = parser.parse_args()
    try:
        options.run(options)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"python -m loadtest {options.name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    end_children_too()
    main()
