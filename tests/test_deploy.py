"""What the package has for those who run a pool: each is held by the program that it is for."""

import getpass
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.authority import Authority
from tests.builders import BASE
from tests.running import ROOT, SECONDS, serving, wait_until

DEPLOY = ROOT / "ccp" / "deploy"
SYSTEMD, NGINX = shutil.which("systemd-analyze"), shutil.which("nginx")


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every line of it; and finds little that the service could reach."""
    (tmp_path / "ccp").write_text("#!/bin/sh\n")
    (tmp_path / "ccp").chmod(0o755)
    unit = (DEPLOY / "ccp.service").read_text().replace("/opt/ccp/bin/ccp", f"{tmp_path}/ccp")
    (tmp_path / "ccp.service").write_text(unit)
    judged = subprocess.run(
        [SYSTEMD, "verify", "--man=no", tmp_path / "ccp.service"], capture_output=True, text=True
    )
    assert (judged.returncode, judged.stderr) == (0, "")
    exposure = subprocess.run(
        [SYSTEMD, "security", "--offline=true", "--threshold=20", tmp_path / "ccp.service"],
        capture_output=True,
        text=True,
    )
    assert exposure.returncode == 0, exposure.stdout


@pytest.mark.skipif(NGINX is None, reason="nginx is not here")
def test_nginx_passes_the_api_on_and_nothing_else(tmp_path: Path) -> None:
    """Over TLS and the pool's socket; the pool knows who it is that calls."""
    authority = Authority(tmp_path, "CA")
    certificate, key = authority.issue("server")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    site = (DEPLOY / "nginx.conf").read_text()
    for written, here in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ccp/tls.pem": certificate,
        "/etc/ccp/tls.key": key,
        "/run/ccp/pool.sock": f"{tmp_path}/pool.sock",
    }.items():
        assert site.count(written) >= 1
        site = site.replace(written, here)
    (tmp_path / "nginx.conf").write_text(
        f"""
        daemon off; user {getpass.getuser()}; events {{}}
        pid {tmp_path}/nginx.pid; error_log {tmp_path}/errors;
        http {{
            access_log off;
            client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
            fastcgi_temp_path {tmp_path}/fastcgi; uwsgi_temp_path {tmp_path}/uwsgi;
            scgi_temp_path {tmp_path}/scgi;
            {site}
        }}
        """
    )
    pool = ["--bind", f"unix:{tmp_path}/pool.sock", "wsgi:app"]
    says = {"trusted_proxies": "unix", "auth": "none", "checks": "lab"}
    with (
        serving(tmp_path, *pool, workers=1, **says) as server,
        subprocess.Popen([NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf"]) as nginx,
        httpx2.Client(
            base_url=f"https://localhost:{port}",
            verify=ssl.create_default_context(cafile=authority.file),
            timeout=SECONDS,
        ) as client,
    ):
        try:
            wait_until(lambda: (tmp_path / "nginx.pid").exists() or nginx.poll() is not None)
            known = client.get(f"{BASE}/contractData/emaid/DEICECOPNCCERT")
            assert (known.status_code, "errorMessages" in known.json()) == (404, True)
            wait_until(lambda: re.search(r"client=127\.0\.0\.1 .*status=404", server.log))
            assert client.get("/metrics").text.startswith("<html>")  # nginx's own 404
            assert (
                client.put(f"{BASE}/signedcontractdata", content=b" " * 70_000).status_code == 413
            )
        finally:
            nginx.terminate()
