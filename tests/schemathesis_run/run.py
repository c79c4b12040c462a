"""Starts the bridge with a simulated iTop, fills it a little, and lets Schemathesis ask it.

The last line of output is that of Schemathesis; its exit status is the exit status.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "servicenav-itop-bridge"

# With a limit of time Schemathesis goes on until it is spent, and what it asks would depend on the machine.
SHORT = ["--generation-deterministic", "--max-examples", "25", "--phases", "examples,coverage,fuzzing"]
WHOLE = ["--max-examples", "300", "--phases", "examples,coverage,fuzzing,stateful", "--max-time", "900"]

EVENT = {
    "event_id": "svc-48213:1", "created_at": "2026-11-21T09:15:02+01:00",
    "company": {"id": 42, "name": "Demo"}, "contact": {"email": "agatha.christie@demo.com"},
    "service": "Telecom and connectivity", "equipment": {"id": 1207, "name": "Server4", "itsm_id": "4"},
    "control": {"id": "svc-48213", "name": "Disk C:", "element_type": "service", "state": "CRITICAL"},
    "acknowledgement": {"author": {"login": "jdupont", "name": "Jean Dupont"}, "comment": "Purge"},
}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(method, url, token, body=None):
    """The status and the body of an answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Prefer": "wait=20"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def until_up(url, process):
    """Waits until something answers there."""
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} {process.args[1]} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def main():
    options = sys.argv[1:]
    limits = WHOLE
    if "--short" in options:
        options.remove("--short")
        limits = SHORT
    token = secrets.token_hex(16)
    bridge, itop = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    running = []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(f"""
[server]
listen = "{bridge.removeprefix('http://')}"
[[auth.tokens]]
name = "schemathesis"
hash = "sha256:{sha256(token.encode()).hexdigest()}"
scopes = ["admin"]
[itop]
url = "{itop}/"
user = "bridge"
password = "sandbox"
[store]
path = "{folder}/bridge.db"
[log]
filter = "error"
""")
        log = (Path(folder) / "log").open("w")
        try:
            for arguments, address in [
                (["sandbox", "--listen", itop.removeprefix("http://")], f"{itop}/"),
                (["serve", "--config", str(config)], f"{bridge}/healthz"),
            ]:
                process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=log)
                running.append(process)
                until_up(address, process)
            link = {"organization": "Demo", "team": "Helpdesk"}
            for method, path, body in [
                ("PUT", "/api/v1/links/42", link),
                ("POST", "/api/v1/acknowledgements", EVENT),
                ("POST", "/api/v1/acknowledgements", {**EVENT, "event_id": "other", "company": "Nobody"}),
            ]:
                status, answer = ask(method, bridge + path, token, body)
                if status >= 300:
                    sys.exit(f"{method} {path} answered {status}: {answer.decode()}")
            schemathesis = Path(sys.executable).parent / "schemathesis"
            command = [
                schemathesis, "--config-file", HERE / "schemathesis.toml", "run", *limits, *options,
                "--header", f"Authorization:Bearer {token}", f"{bridge}/api/openapi.json",
            ]
            ended = subprocess.run(command, cwd=folder, check=False).returncode
            for process in running:
                if process.poll() is not None:
                    print(f"{process.args[1]} ended with {process.returncode}", file=sys.stderr)
                    ended = ended or 1
        finally:
            for process in reversed(running):
                process.send_signal(signal.SIGTERM)
                process.wait(60)
            log.close()
        said = (Path(folder) / "log").read_text()
        if said:
            print(f"What the programs said:\n{said}", file=sys.stderr)
    sys.exit(ended)


main()
