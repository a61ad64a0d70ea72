"""Private servers left running for work by hand: `python -m service.local.servers start`."""

import argparse
import sys
from pathlib import Path

from service.local.errors import LocalServerError
from service.local.postgres import PrivatePostgres
from service.local.rabbitmq import PrivateRabbit
from service.local.server import PrivateServer

FOLDER = Path(".run/servers")


def start(servers: list[PrivateServer]) -> None:
    """Start what does not run yet, print one address a line and leave all of it running."""
    for server in servers:
        _say(f"Starting {server.title} ...")
        server.start()
        server.leave_running()
    for server in servers:
        sys.stdout.write(f"{server.url}\n")


def stop(servers: list[PrivateServer]) -> None:
    """Stop the servers; their data stays."""
    for server in servers:
        _say(f"Stopping {server.title} ...")
        server.stop()


def erase(servers: list[PrivateServer]) -> None:
    """Stop the servers and delete their data."""
    for server in servers:
        _say(f"Stopping {server.title} and deleting its data ...")
        server.erase()


ACTIONS = {"start": start, "stop": stop, "erase": erase}


def main() -> int:
    """Do what the command line asks; 1 with one line when a server refuses."""
    parser = argparse.ArgumentParser(prog="python -m service.local.servers", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="data (default: %(default)s)")
    chosen = parser.parse_args()
    try:
        ACTIONS[chosen.action](
            [PrivatePostgres(chosen.folder / "postgres"), PrivateRabbit(chosen.folder / "rabbitmq")]
        )
    except LocalServerError as error:
        _say(str(error))
        return 1
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
