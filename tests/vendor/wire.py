"""Each of the 66 operations, sent by `jst call` and by a script, against what the vendor's own client
would send for the same parameters, nonce and time: method, place of every parameter, signature.

Usage: python wire.py PATH_OF_JST   (needs aliyun-python-sdk-retailcloud)
"""

import base64
import hashlib
import hmac
import http.server
import json
import subprocess
import sys
import tempfile
import threading
from urllib.parse import parse_qsl, urlsplit

from aliyunsdkcore.auth.composer import rpc_signature_composer as composer

from requests_by_vendor import by_vendor

JST = sys.argv[1]
KEY, SECRET, REGION = "fake-access-key", "fake-secret", "cn-test"
COMMON = {"AccessKeyId", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp", "Signature"}


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps every request and answers that all went well."""

    protocol_version = "HTTP/1.1"
    requests = []

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.requests.append((self.command, self.path, body, self.headers))
        reply = b'{"Code": 0, "RequestId": "R", "Success": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def jst(*args, **options):
    env = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET, "JST_NO_JOURNAL": "1"}
    ran = subprocess.run([JST, "--region", REGION, *args], env=env, capture_output=True, text=True, **options)
    if ran.returncode != 0:
        raise SystemExit(f"jst {args}: {ran.returncode}\n{ran.stderr}")
    return ran.stdout


def text(pairs):
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in pairs.items()}


def compare(operation, params, recorded):
    method, path, body, headers = recorded
    action = operation["action"]
    sent_query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True, strict_parsing=True))
    sent_body = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)))
    request = by_vendor(operation, params)
    wanted_query = text(request.get_query_params())
    wanted_query.setdefault("RegionId", REGION)
    wanted_query |= {"Action": action, "Version": "2018-03-13", "Format": "JSON"}
    wanted_body = text(request.get_body_params())
    # Page parameters that the service insists on are filled in by jst, not by the vendor's client.
    for name in ("PageNumber", "PageSize", "PageNum"):
        for sent, wanted in ((sent_query, wanted_query), (sent_body, wanted_body)):
            if name in sent and name not in params:
                wanted[name] = sent[name]
    own_query = {name: value for name, value in sent_query.items() if name not in COMMON}
    assert method == request.get_method(), (action, method, request.get_method())
    assert own_query == wanted_query, (action, own_query, wanted_query)
    assert sent_body == wanted_body, (action, sent_body, wanted_body)
    assert headers["x-acs-action"] == action and headers["x-acs-version"] == "2018-03-13", headers
    if body:
        assert headers["Content-Type"] == "application/x-www-form-urlencoded", headers
    signed = sent_query | sent_body
    signature = signed.pop("Signature")
    string_to_sign = getattr(composer, "__compose_string_to_sign")(method, signed)
    wanted = base64.b64encode(hmac.new(f"{SECRET}&".encode(), string_to_sign.encode(), hashlib.sha1).digest())
    assert signature == wanted.decode(), (action, string_to_sign)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    operations = [json.loads(jst("ops", op["Action"], "--json")) for op in json.loads(jst("ops", "--output", "json"))]
    assert len(operations) == 66, len(operations)
    allowed = ["--endpoint", endpoint, "--allow-destructive"]
    for operation in operations:
        jst(*allowed, "call", operation["action"], "--json", json.dumps(operation["example"]))
    lines = [f"{op['function']}(parse_json({json.dumps(json.dumps(op['example']))}));" for op in operations]
    with tempfile.NamedTemporaryFile("w", suffix=".rhai") as script:
        script.write("\n".join(lines))
        script.flush()
        jst(*allowed, "run", script.name)
    assert len(Recorder.requests) == 2 * 66, len(Recorder.requests)
    for operation, recorded in zip(operations * 2, Recorder.requests, strict=True):
        compare(operation, operation["example"], recorded)
    print("66 operations go out as the vendor's client sends them, from `call` and from a script")


main()
