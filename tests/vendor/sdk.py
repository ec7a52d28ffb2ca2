"""The vendor's two Python SDKs (signature versions 1 and 3) and its Node client (version 1) call all 66
operations of `jst sim` and get the documented replies.

Usage: python sdk.py PATH_OF_JST   (needs what requirements.txt and package.json list, in one folder)
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

    def control(self, method, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        return urllib.request.urlopen(
            urllib.request.Request(f"{self.endpoint}/_sim/state", body, headers, method=method)
        ).read()

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

    def call(self, operation):
        self.tell({"action": operation["action"], "method": operation["method"], "params": operation["example"]})
        return json.loads(self.process.stdout.readline() or "null")

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0, self.process.returncode


def without_ids(value):
    """A reply without what differs between two calls, and without fields that have no value."""
    if isinstance(value, dict):
        kept = {k: without_ids(v) for k, v in value.items() if k != "RequestId" and v is not None}
        return {k: v for k, v in kept.items() if v not in ({}, [])}
    if isinstance(value, list):
        return [without_ids(element) for element in value]
    return value


def expect(operation, reply):
    """All went well, and every documented field of the first level that has a value is there."""
    code = reply.get("Code")
    assert code in (0, 200), (operation["action"], reply)
    undocumented = set(reply) - set(operation["reply"])
    assert not undocumented, (operation["action"], undocumented)


def main():
    sim = Simulator()
    first = AcsClient(*sim.key, "cn-test")
    config = Config(access_key_id=sim.key[0], access_key_secret=sim.key[1], endpoint=sim.address, protocol="http")
    second = Client(config)
    methods = {name.replace("_", ""): name for name in dir(second) if name.endswith("with_options")}
    third = Node(sim) if Node.is_there() else None
    if third is None:
        print(f"SKIPPED the Node client: {Node.NODE} and {Node.PACKAGES} are not there")
    count = 0
    for operation in operations():
        action, example = operation["action"], operation["example"]
        sim.reset()
        request = by_vendor(operation, example)
        request.set_endpoint(sim.address)
        request.set_protocol_type("http")
        one = json.loads(first.do_action_with_exception(request))
        expect(operation, one)
        sim.reset()
        method = getattr(second, methods[f"{action.lower()}withoptions"])
        typed = getattr(models, f"{action}Request")().from_map(example)
        two = method(typed, RuntimeOptions(autoretry=False)).body.to_map()
        expect(operation, two)
        assert without_ids(one) == without_ids(two), (action, one, two)
        if third:
            sim.reset()
            three = third.call(operation)
            expect(operation, three)
            assert without_ids(one) == without_ids(three), (action, one, three)
        count += 1
    if third:
        third.stop()
    sim.stop()
    assert count == 66, count
    print("66 operations answered to every client")


main()
