"""`jst sim` in a process of its own, and the vendor's three clients of it: two Python SDKs (signature versions 1
and 3) and the Node client (version 1). Each takes an operation, as `jst ops NAME --json` describes it, and its
parameters, and gives the reply as that client reads it.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from aliyunsdkcore.client import AcsClient
from alibabacloud_retailcloud20180313 import models
from alibabacloud_retailcloud20180313.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

from requests_by_vendor import by_vendor

JST = sys.argv[1]


def operations():
    listed = json.loads(subprocess.check_output([JST, "ops", "--json"]))
    return [json.loads(subprocess.check_output([JST, "ops", op["Action"], "--json"])) for op in listed]


class Simulator:
    """`jst sim` in a process of its own; its state can be put back to where it began."""

    def __init__(self, *args):
        command = [JST, "sim", "--json", "--control", "--listen", "127.0.0.1:0", "--pace", "told", *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.endpoint = ready["endpoint"]
        self.address = self.endpoint.removeprefix("http://")
        self.key = (ready["access_key_id"], ready["access_key_secret"])
        self.token = ready["control_token"]
        self.start = self.control("GET")

    def reset(self):
        self.control("PUT", self.start)

    def control(self, method, body=None, path="state"):
        headers = {"Authorization": f"Bearer {self.token}"}
        return urllib.request.urlopen(
            urllib.request.Request(f"{self.endpoint}/_sim/{path}", body, headers, method=method)
        ).read()

    def faults(self, *rules):
        self.control("POST", json.dumps(rules).encode(), "faults")

    def wait(self, seconds):
        self.control("POST", b"", f"advance?seconds={seconds}")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.process.returncode


class Node:
    """The vendor's Node client in a process of its own."""

    NODE = Path(sys.prefix, "bin", "node")
    PACKAGES = Path(sys.prefix, "node_modules")

    @classmethod
    def is_there(cls):
        return cls.NODE.exists() and cls.PACKAGES.exists()

    def __init__(self, sim):
        environment = {**os.environ, "NODE_PATH": str(self.PACKAGES)}
        command = [self.NODE, Path(__file__).with_name("pop_core.js")]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        key = {"accessKeyId": sim.key[0], "accessKeySecret": sim.key[1]}
        self.tell({"endpoint": sim.endpoint, "apiVersion": "2018-03-13", **key})

    def tell(self, told):
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    def call(self, operation, params):
        self.tell({"action": operation["action"], "method": operation["method"], "params": params})
        return json.loads(self.process.stdout.readline() or "null")

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0, self.process.returncode


def clients(sim):
    """The vendor's clients of a simulator by name, and what stops them."""
    first = AcsClient(*sim.key, "cn-test")
    config = Config(access_key_id=sim.key[0], access_key_secret=sim.key[1], endpoint=sim.address, protocol="http")
    second = Client(config)
    methods = {name.replace("_", ""): name for name in dir(second) if name.endswith("with_options")}

    def older(operation, params):
        request = by_vendor(operation, params)
        request.set_endpoint(sim.address)
        request.set_protocol_type("http")
        return json.loads(first.do_action_with_exception(request))

    def newer(operation, params):
        action = operation["action"]
        typed = getattr(models, f"{action}Request")().from_map(params)
        method = getattr(second, methods[f"{action.lower()}withoptions"])
        return method(typed, RuntimeOptions(autoretry=False)).body.to_map()

    found = {"the older Python SDK": older, "the newer Python SDK": newer}
    if not Node.is_there():
        print(f"SKIPPED the Node client: {Node.NODE} and {Node.PACKAGES} are not there")
        return found, lambda: None
    node = Node(sim)
    return {**found, "the Node client": node.call}, node.stop
