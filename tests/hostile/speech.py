"""How a client puts its bytes on the wire: as they are, behind a PROXY header, or by TLS.

One object is one connection. It moves no byte itself: it turns what is to be said into what is to
be sent, and what came into what was heard, so that whoever has the socket may cut both at any byte.
"""

import socket
import ssl
import struct

_PROXY = "198.51.100.7", 1935  # Where its clients think they are.
# Of version 2, as haproxy.org's proxy-protocol.txt has it: the signature; PROXY; IPv4, TCP.
_START = b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11"


class Plain:
    """Bytes as they are."""

    def name(self, own):
        """What the gateway calls the client whose socket is called `own`."""
        return own

    def opening(self):
        """What is to be sent before anything else."""
        return b""

    def say(self, data):
        return data

    def hear(self, data):
        """What it means, and what is to be sent in return. Raises ssl.SSLError if it means nothing,
        or no."""
        return data, b""

    def leave(self):
        """What is to be sent before the half-close."""
        return b""

    def missing(self):
        """What the other side left out of its goodbye, or None."""
        return None

    def is_resumed(self):
        """Whether it goes on with the keys of an earlier one."""
        return False


class Proxied(Plain):
    """Behind a proxy that names the client's address, of IPv4, and port: by version 1 or 2."""

    def __init__(self, version, source, port):
        self._version = version
        self._source = source
        self._port = port

    def name(self, own):
        return f"{self._source}:{self._port}"

    def opening(self):
        host, port = _PROXY
        if self._version == 1:
            return f"PROXY TCP4 {self._source} {host} {self._port} {port}\r\n".encode()
        return _START + struct.pack("!H4s4sHH", 12, socket.inet_aton(self._source),
                                    socket.inet_aton(host), self._port, port)


class Secret(Plain):
    """By TLS, with a server called localhost. `before`: an earlier one, whose session is resumed if
    the server still knows it."""

    def __init__(self, context, before=None):
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost",
                                     session=before and before.session())
        self._is_open = self._is_ended = False

    def session(self):
        return self._tls.session if self._is_open else None

    def is_resumed(self):
        return bool(self._tls.session_reused)

    def opening(self):
        self._shake_hands()
        return self._out.read()

    def _shake_hands(self):
        try:
            self._tls.do_handshake()
            self._is_open = True
        except ssl.SSLWantReadError:
            pass

    def say(self, data):
        self._tls.write(data)
        return self._out.read()

    def hear(self, data):
        self._in.write(data)
        if not self._is_open:
            self._shake_hands()
        heard = b""
        try:
            while self._is_open and (piece := self._tls.read(65536)):
                heard += piece
            self._is_ended = self._is_open
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._is_ended = True
        return heard, self._out.read()

    def leave(self):
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:  # The other side has not said it yet.
            pass
        return self._out.read()

    def missing(self):
        return None if self._is_ended else "a close_notify"
