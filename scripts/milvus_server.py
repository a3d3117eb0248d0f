"""Runs the Milvus server of PyPI's package `milvus` as this very process.

    python milvus_server.py FOLDER PORT [METRICS_PORT]

The package's own command starts the server as a child and leaves it behind when it is ended itself. It listens on
every interface: start it in a network namespace of its own (`unshare -rn`), or where nobody else can reach it.
"""

import os
import socket
import sys
import time

import milvus

# One that was killed leaves connections behind.
PORT_PATIENCE_SECONDS = 120


def wait_for(port):
    """Waits until nobody else has a port, nor had it lately: where one has, the server would listen on another, and say
    nothing."""
    begun = time.monotonic()
    while True:
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::", port))
                probe.listen()
                return
        except OSError as error:
            if time.monotonic() - begun > PORT_PATIENCE_SECONDS:
                sys.exit(f"error: port {port}: {error}")
            time.sleep(0.2)


def main(folder, port, metrics_port="9091"):
    config = milvus.MilvusServerConfig()
    config.set("proxy_port", int(port))
    server = milvus.MilvusServer(config)
    server.set_base_dir(os.path.abspath(folder))
    config.resolve()
    # What the package does before it starts its child, and offers to nobody else.
    milvus._initialize_data_files(config.base_data_dir)  # pylint: disable=protected-access
    program = server.get_milvus_executable_path()
    wait_for(int(port))
    os.chdir(config.base_data_dir)
    environment = dict(
        os.environ,
        DEPLOY_MODE="STANDALONE",
        METRICS_PORT=metrics_port,
        MILVUS_RUN_DIR=os.path.join(config.base_data_dir, "run"),
        LD_LIBRARY_PATH=os.path.dirname(program),
    )
    os.execve(program, ["milvus", "run", "standalone"], environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
