"""Clients of a line server that keep step with it, so that each run is the same work.

They send when the server has come to rest, and wait for every reply. `server` is a
callgrind.Server with the `port` that it serves.
"""

import socket

LINE = b"x" * 32 + b"\n"
PATIENCE = 120


def connect(server):
    """A greeted client."""
    client = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    receive_lines(client, 1)
    return client


def receive_lines(client, count):
    while count > 0:
        data = client.recv(65536)
        if not data:
            raise RuntimeError("the server closed a connection")
        count -= data.count(b"\n")


def all_at_once(server, clients, lines):
    """Every client sends `lines` in one piece, and the server finds all of them in one look."""
    server.settle()
    server.stop()
    for client in clients:
        client.sendall(LINE * lines)
    server.resume()
    for client in clients:
        receive_lines(client, lines)


def one_by_one(server, clients):
    """Every client sends a line, and the server finds them one after the other."""
    for client in clients:
        server.settle()
        client.sendall(LINE)
        receive_lines(client, 1)


def converse(server):
    """A client comes, says a line and leaves."""
    client = connect(server)
    client.sendall(LINE)
    receive_lines(client, 1)
    client.close()
    server.settle()
