"""A TLS client that requests renegotiation and key updates without limit, which OpenSSL does not: GnuTLS, called directly."""
import ctypes
import socket

CLIENT, CERTIFICATES, RENEW_BOTH = 2, 1, 1
WARNING_ALERT, REHANDSHAKE, AGAIN, INTERRUPTED = -16, -37, -28, -52


class Client:
    def __init__(self, port, versions):
        self.gnutls = ctypes.CDLL("libgnutls.so.30")
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.session, self.credentials = ctypes.c_void_p(), ctypes.c_void_p()
        self.must("gnutls_init", ctypes.byref(self.session), ctypes.c_uint(CLIENT))
        self.must("gnutls_certificate_allocate_credentials", ctypes.byref(self.credentials))
        self.must("gnutls_priority_set_direct", self.session, f"NORMAL:-VERS-ALL:{versions}".encode(), None)
        self.must("gnutls_credentials_set", self.session, ctypes.c_int(CERTIFICATES), self.credentials)
        self.gnutls.gnutls_transport_set_int2(self.session, self.socket.fileno(), self.socket.fileno())
        self.must("gnutls_handshake", self.session)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.gnutls.gnutls_deinit(self.session)
        self.gnutls.gnutls_certificate_free_credentials(self.credentials)

    def call(self, name, *arguments):
        return getattr(self.gnutls, name)(*arguments)

    def must(self, name, *arguments):
        result = self.call(name, *arguments)
        assert result >= 0, f"{name}: {result}"

    def say(self, text):
        return self.call("gnutls_record_send", self.session, text, ctypes.c_size_t(len(text)))

    def hear(self):
        """The next application data; b"" at the end, or if the connection broke."""
        to = ctypes.create_string_buffer(4096)
        while True:
            n = self.call("gnutls_record_recv", self.session, to, ctypes.c_size_t(len(to)))
            if n not in (AGAIN, INTERRUPTED, WARNING_ALERT, REHANDSHAKE):
                return to.raw[:n] if n > 0 else b""

    def renew_keys(self):
        """A key update (TLS 1.3, RFC 8446 4.6.3) that also requests one of the server. True: sent."""
        return self.call("gnutls_session_key_update", self.session, ctypes.c_uint(RENEW_BOTH)) == 0

    def renegotiate(self):
        """Requests renegotiation (TLS 1.2). True: refused. False: the connection ended."""
        while True:
            n = self.call("gnutls_handshake", self.session)
            if n not in (AGAIN, INTERRUPTED):
                return n == WARNING_ALERT
