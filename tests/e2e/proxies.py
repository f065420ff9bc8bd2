"""Real proxies in front of a gateway: HAProxy and nginx, each on a port that the kernel chose."""

import os
import pathlib
import socket
import subprocess
import tempfile

from gateway import PATIENCE, eventually

HAPROXY = "/usr/sbin/haproxy"
NGINX = "/usr/sbin/nginx"

HAPROXY_CONFIG = """
global
  maxconn 1000
  nbthread 1
  stats socket {path}/haproxy.sock
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend lines
  bind fd@{fd}
  default_backend gateway
backend gateway
  server one {server} {options}
"""

NGINX_CONFIG = """
daemon off;
worker_processes 1;
pid {path}/nginx.pid;
error_log {path}/error.log notice;
{modules}
events {{ worker_connections 512; }}
stream {{
  server {{
    listen {host}:{port};
    proxy_pass {server};
    proxy_protocol on;
  }}
}}
"""


class Proxy:
    """A proxy process, ended with the block. `address` is where clients go."""

    def __init__(self, host="127.0.0.1"):
        self._directory = tempfile.TemporaryDirectory(prefix="chatgate-proxy-")
        self.path = pathlib.Path(self._directory.name)
        self.path.chmod(0o755)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family, backlog=128)
        self.address = self._socket.getsockname()[:2]
        self._process = None

    def _start(self, command, **options):
        log = open(self.path / "output", "wb")
        with log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[self._socket.fileno()], **options)
        return self

    def output(self):
        return (self.path / "output").read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()
        self._directory.cleanup()


class HAProxy(Proxy):
    """`options` are those of its `server` line, such as `send-proxy-v2`."""

    def __init__(self, server, options):
        super().__init__()
        file = self.path / "haproxy.cfg"
        file.write_text(HAPROXY_CONFIG.format(path=self.path, fd=self._socket.fileno(),
                                              server="{}:{}".format(*server), options=options))
        self._start([HAPROXY, "-db", "-f", str(file)])

    def server_state(self):
        """`UP` or `DOWN`, as its health check finds it."""
        if not (self.path / "haproxy.sock").exists():
            return f"starting: {self.output()}"
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE)
            control.connect(str(self.path / "haproxy.sock"))
            control.sendall(b"show stat\n")
            text = control.makefile().read()
        names, *rows = [line.split(",") for line in text.strip().splitlines()]
        row = next(row for row in rows if row[1] == "one")
        return row[names.index("status")]

    def wait_until_up(self):
        eventually(lambda: self.server_state() == "UP", "HAProxy finds the gateway well")


class Nginx(Proxy):
    """Sends headers of version 1, the only ones that it knows."""

    def __init__(self, server, host="127.0.0.1"):
        super().__init__(host)
        listed = f"[{host}]" if ":" in host else host
        module = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
        file = self.path / "nginx.conf"
        file.write_text(NGINX_CONFIG.format(
            path=self.path, host=listed, port=self.address[1],
            server="{}:{}".format(*server),
            modules=f"load_module {module};" if module.exists() else ""))
        # It takes over the listening socket, as from its own predecessor in an upgrade.
        self._start([NGINX, "-c", str(file), "-p", str(self.path), "-e", str(self.path / "early")],
                    env={**os.environ, "NGINX": f"{self._socket.fileno()};"})
