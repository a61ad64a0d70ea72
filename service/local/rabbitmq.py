"""A private RabbitMQ server: its own node, folder, loopback ports and random password."""

import secrets
import shutil
import signal
import socket
from pathlib import Path

from service.local import processes
from service.local.accounts import server_accounts
from service.local.errors import LocalServerError
from service.local.packages import ensure_installed
from service.local.ports import LOOPBACK, is_free
from service.local.programs import find_rabbitmq
from service.local.server import STOP_LIMIT_S, PrivateServer

USER = "kartina"
# The same name in every folder: each node has a name server (epmd) of its own.
NODE = "kartina@localhost"
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
PROBE_LIMIT_S = 1
NAME_SERVER_LIMIT_S = 10
PAUSE = (
    "rabbit_maintenance:suspend_all_client_listeners(), "
    "rabbit_maintenance:close_all_client_connections(), ok."
)
RESUME = "rabbit_maintenance:resume_all_client_listeners(), ok."


class PrivateRabbit(PrivateServer):
    """A RabbitMQ server of our own, without plugins."""

    title = "RabbitMQ"
    ports_needed = 3  # Clients, other nodes (nobody), the node's name server.
    start_limit_s = 90  # Five seconds when the machine is idle.
    passing_troubles = ("eaddrinuse",)

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, server_accounts("rabbitmq", "nobody"))

    @property
    def url(self) -> str:
        """The address of the default virtual host, with an administrator's login."""
        return f"amqp://{USER}:{self._password}@{LOOPBACK}:{self.port}/%2F"

    def pause(self) -> None:
        """Refuse and close all client connections; queues stay. About half a second."""
        self._evaluate(PAUSE)

    def resume(self) -> None:
        """Accept clients again after `pause`. About half a second."""
        self._evaluate(RESUME)

    def wipe(self) -> None:
        """Lose all queues and messages, keep the address; a running server runs again after."""
        was_running = self._running() is not None
        self.kill()
        self.stop()
        shutil.rmtree(self._home.folder / "mnesia", ignore_errors=True)
        if was_running:
            self.start()

    def _evaluate(self, expression: str) -> None:
        done = processes.run(
            [_script("rabbitmqctl"), "eval", expression],
            account=self._home.account,
            environment=self._environment(),
        )
        if done.returncode != 0 or done.stdout.split()[-1:] != ["ok"]:
            raise LocalServerError(f"RabbitMQ refused `{expression}`: {done.stdout.strip()}")

    def _prepare(self) -> None:
        if find_rabbitmq() is None:
            ensure_installed("rabbitmq-server")
        cookie = self._home.folder / ".erlang.cookie"
        if not cookie.exists():
            self._home.write(cookie.name, secrets.token_hex(16)).chmod(0o400)
        self._home.write("enabled_plugins", "[].\n")

    def _launch(self) -> int:
        self._home.write("server.config", self._configuration())
        self._spawn("epmd")
        # Were the name server late, the node would start one that we do not know.
        name_server_port = self._ports[-1]
        processes.wait_until(lambda: not is_free(name_server_port), limit_s=NAME_SERVER_LIMIT_S)
        return self._spawn(_script("rabbitmq-server"))

    def _spawn(self, program: str) -> int:
        return processes.spawn(
            [program],
            account=self._home.account,
            environment=self._environment(),
            folder=self._home.folder,
            log=self.log,
        )

    def _configuration(self) -> str:
        # Erlang terms: the ini form costs seconds at each start, for reading all its schemas.
        return (
            f'[{{rabbit, [{{tcp_listeners, [{{"{LOOPBACK}", {self.port}}}]}},\n'
            f'           {{default_user, <<"{USER}">>}},\n'
            f'           {{default_pass, <<"{self._password}">>}},\n'
            "           {loopback_users, []}]}].\n"
        )

    def _environment(self) -> dict[str, str]:
        folder = str(self._home.folder)
        client_port, node_port, name_server_port = map(str, self._ports)
        return {
            "HOME": folder,
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_PORT": client_port,
            "RABBITMQ_DIST_PORT": node_port,
            "ERL_EPMD_PORT": name_server_port,
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/server.config",
            # Files that do not exist: the machine's own settings must not be read.
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LOOPBACK_ONLY,
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK_ONLY,
            # Makes the script become the server instead of standing between it and us.
            "detached": "1",
        }

    def _running(self) -> int | None:
        return processes.find_server(program="beam", folder=self._home.folder)

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=PROBE_LIMIT_S) as probe:
                probe.sendall(AMQP_HEADER)
                # A method frame: the server begins the conversation.
                return probe.recv(1) == b"\x01"
        except OSError:
            return False

    def _end_remains(self) -> None:
        # The name server outlives the node that it served.
        pid = processes.find_server(program="epmd", folder=self._home.folder)
        if pid is not None:
            processes.end(pid, signal.SIGTERM, limit_s=STOP_LIMIT_S)


def _script(name: str) -> str:
    scripts = find_rabbitmq()
    if scripts is None:
        raise LocalServerError("RabbitMQ's own scripts are not found: reinstall rabbitmq-server")
    return str(scripts / name)
