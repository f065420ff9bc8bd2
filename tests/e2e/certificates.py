"""Keys and certificates for tests, made as an operator makes them."""

import subprocess


def make_certificate(folder, name="localhost", subject=None):
    """A new `key.pem` in `folder`, and its own `certificate.pem`, for `name` and 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-utf8", "-subj", subject or f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name},IP:127.0.0.1,IP:::1", "-keyout", folder / "key.pem",
         "-out", folder / "certificate.pem"], check=True, capture_output=True, timeout=60)


def make_combined(folder, name):
    """The file for `name` that holds a new certificate and its key: `sni` takes such."""
    make_certificate(folder, name)
    combined = folder / f"{name}.pem"
    combined.write_text((folder / "certificate.pem").read_text() +
                        (folder / "key.pem").read_text())
    return combined
