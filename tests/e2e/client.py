"""Clients over real sockets, every operation of which ends."""

import socket
import ssl
import struct

from gateway import PATIENCE

EOF = "<eof>"
RESET = "<reset>"
CUT = "<cut>"  # By TLS: it ended without a close_notify.


def unfinished_hellos():
    """What a client of TLS may have said so far: nothing, a part of its first record, or all."""
    said = ssl.MemoryBIO()
    talk = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said,
                                                 server_hostname="localhost")
    try:
        talk.do_handshake()
    except ssl.SSLWantReadError:
        hello = said.read()
        return b"", hello[:4], hello[:-1], hello
    raise AssertionError("a handshake with nobody")


class Client:
    """A blocking client of lines."""

    def __init__(self, address, *, source=None, receive_bytes=None, patience=PATIENCE, tls=None,
                 name="localhost"):
        """`tls`: an ssl.SSLContext, to talk by TLS with a server called `name`."""
        unix = isinstance(address, (str, bytes))
        internet = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(socket.AF_UNIX if unix else internet, socket.SOCK_STREAM)
        self.socket.settimeout(patience)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            # Leaves the choice of the port to connect(2): thousands of clients find one.
            self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name,
                                          suppress_ragged_eofs=False)
        self._input = b""

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def _receive(self):
        """Receives once. Returns the word for the end of the connection, if it has ended."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return RESET
        except ssl.SSLEOFError:
            return CUT
        self._input += data
        return None if data else EOF

    def line(self):
        """The next line without its end, or `<eof>` or `<reset>`; a cut line comes as it is."""
        while b"\n" not in self._input:
            if end := self._receive():
                rest, self._input = self._input, b""
                return rest.decode(errors="replace") or end
        line, _, self._input = self._input.partition(b"\n")
        return line.decode(errors="replace")

    def ask(self, text):
        self.send(text + "\n")
        return self.line()

    def until_eof(self):
        """All that is still coming; `<reset>` follows when that is how it ended."""
        while not (end := self._receive()):
            pass
        rest, self._input = self._input, b""
        return rest.decode(errors="replace") + (end if end != EOF else "")

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def name(self):
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def close(self):
        self.socket.close()
