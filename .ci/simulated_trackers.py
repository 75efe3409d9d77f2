"""Posts three scans of one product to a Patchbay that is connected to simulated trackers, while those fail in every way
they know, and checks that each observation ends with exactly one ticket in the right state.

usage: simulated_trackers.py PATCHBAY_BINARY FOLDER_OF_THE_SIMULATORS
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 240
PASSWORD = "a-password-for-one-run"
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "demo", "samples")
CONNECTIONS = {
    "github": {"kind": "github", "credential": "gh-test-token"},
    "gitlab": {"kind": "gitlab", "credential": "gl-test-token"},
    "jira": {"kind": "jira_data_center", "credential": "jira-test-token"},
}
CONFIGS = {
    "github": {"project_key": "acme/app"},
    "gitlab": {"project_key": "acme/app"},
    "jira": {"project_key": "SIMP", "issue_type": "Bug"},
}
# The first create is answered by nobody, the second fails, the third is limited; then a change is lost, too.
FAULTS = [
    {"kind": "lost", "method": "POST", "path": "issue", "times": 1},
    {"kind": "5xx", "status": 502, "method": "POST", "path": "issue", "times": 2, "skip": 1},
    {"kind": "429", "retry_after": 2, "method": "POST", "path": "issue", "times": 1, "skip": 3},
    {"kind": "lost", "method": "PATCH|PUT", "times": 1},
]
# Scan, and how many of its observations deserve an open ticket afterwards, and how many tickets there are in all.
STEPS = [("web-shop-1.sarif", 5, 5), ("web-shop-2.sarif", 4, 6), ("web-shop-3.sarif", 4, 6)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(method, url, body=None, token=None, content_type="application/json"):
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", content_type)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}")
    return json.loads(text) if text else None


def wait(what, reached):
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.3)


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=2)
        return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


class Run:
    def __init__(self, binary, simulators, folder):
        self.ports = {tracker: free_port() for tracker in CONNECTIONS}
        self.violations = os.path.join(folder, "violations")
        arguments = [f"--{tracker}-port={port}" for tracker, port in self.ports.items()]
        self.trackers = subprocess.Popen(
            [sys.executable, "trackers.py", *arguments, "--log", os.path.join(folder, "log"), "--violations", self.violations],
            cwd=simulators, stdout=subprocess.DEVNULL)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            "PATCHBAY_LISTEN": f"127.0.0.1:{port}", "PATCHBAY_DATA_FOLDER": os.path.join(folder, "data"),
            "PATCHBAY_PRIVATE_HOSTS": "127.0.0.1", "PATCHBAY_ADMIN_PASSWORD": PASSWORD, "PATCHBAY_LOG_LEVEL": "warn",
        }
        self.patchbay = subprocess.Popen([binary], env=environment, stdout=subprocess.DEVNULL)

    def stop(self):
        for process in (self.patchbay, self.trackers):
            process.terminate()
            process.wait(30)

    def control(self, method, tracker, path, body=None):
        return call(method, f"http://127.0.0.1:{self.ports[tracker]}/_ctl/{path}", body)

    def api(self, method, path, body=None, **more):
        return call(method, f"{self.url}/api/v1/organizations/default{path}", body, self.token, **more)

    def log_in(self):
        login = {"email": "admin@localhost", "password": PASSWORD}
        self.token = call("POST", f"{self.url}/api/v1/auth/login", login)["access_token"]

    def check(self, tracker):
        product = self.api("POST", "/products", {"name": tracker})["id"]
        connection = {**CONNECTIONS[tracker], "label": tracker, "base_url": f"http://127.0.0.1:{self.ports[tracker]}"}
        config = {**CONFIGS[tracker], "connection": connection, "minimum_severity": "none", "labels": ["security"]}
        self.api("PUT", f"/products/{product}/tracker-config", config)
        for fault in FAULTS:
            self.control("POST", tracker, "faults", {**fault, "tracker": tracker})
        for sample, wanted_open, wanted_all in STEPS:
            with open(os.path.join(SAMPLES, sample), "rb") as file:
                query = urllib.parse.urlencode({"product": product})
                self.api("POST", f"/scans?{query}", file.read(), content_type="application/octet-stream")
            wait(f"{tracker} after {sample}", lambda: self.is_settled(product, wanted_open, wanted_all))
            print(f"  {tracker}: {sample}: {wanted_open} open of {wanted_all}")
        regex = urllib.parse.quote("(patchbay-[0-9a-f]{32})")
        found = self.control("GET", tracker, f"duplicates/{tracker}?regex={regex}")
        if found["duplicates"] or found["groups"] != STEPS[-1][2]:
            raise SystemExit(f"{tracker}: {found}")

    def is_settled(self, product, wanted_open, wanted_all):
        jobs = self.api("GET", f"/sync-jobs?product={product}&limit=500")["items"]
        parked = [job for job in jobs if job["state"] == "parked"]
        if parked:
            raise SystemExit(f"jobs that wait for a person: {parked}")
        tickets = self.api("GET", f"/tickets?product={product}&limit=500")["items"]
        is_open = [ticket for ticket in tickets if ticket["state"] == "open"]
        return not jobs and len(tickets) == wanted_all and len(is_open) == wanted_open


def main():
    binary, simulators = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(binary, simulators, folder)
        try:
            wait("the servers", lambda: all(map(answers, [run.url, *(f"http://127.0.0.1:{p}/_ctl/" for p in run.ports.values())])))
            run.log_in()
            # An uncertain create waits for the tracker's search to catch up: at the same time, not one after another.
            with ThreadPoolExecutor() as pool:
                list(pool.map(run.check, CONNECTIONS))
        finally:
            run.stop()
        if os.path.exists(run.violations) and os.path.getsize(run.violations):
            with open(run.violations, encoding="utf-8") as file:
                raise SystemExit(f"requests that the trackers' descriptions forbid:\n{file.read()}")
    print("  every observation has one ticket in the right state")


main()
