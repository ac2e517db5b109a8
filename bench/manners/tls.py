"""A certificate authority of the measurement's own, made by the `openssl` command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.manners.daemon import library
from bench.manners.publisher import START


@dataclass(frozen=True)
class Authority:
    """`file` is what a client trusts; `key` is that of the one certificate, its own."""

    file: Path
    key: Path

    @classmethod
    def made(cls, folder: Path) -> Authority:
        """A self-signed certificate for every address that hosts are given.

        The clients' clock stands at START, so the certificate is made a day before by it.
        """
        file, key = folder / "trusted.pem", folder / "key.pem"
        addresses = ",".join(f"IP:127.77.0.{n}" for n in range(1, 251))
        command = [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "3650", "-subj", "/CN=publisher", "-keyout", str(key)),
            *("-out", str(file), "-addext", f"subjectAltName=DNS:*.test,{addresses}"),
        ]
        env = {
            "PATH": "/usr/bin:/bin",
            "LD_PRELOAD": str(library()),
            "FAKETIME": f"@{START.replace(month=2, day=1):%Y-%m-%d %H:%M:%S}",
        }
        subprocess.run(command, check=True, capture_output=True, env=env)
        return cls(file, key)

    def server_context(self, protocols: tuple[str, ...]) -> ssl.SSLContext:
        """For a server that offers these protocols (ALPN)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        context.set_alpn_protocols(list(protocols))
        return context
