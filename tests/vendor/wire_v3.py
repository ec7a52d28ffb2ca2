"""Each of the 66 operations, sent by `jst --signature v3 call`, judged by the vendor's newer client: it signs the very
request that went out, and gets the same `Authorization`; with temporary credentials, too.

Usage: python wire_v3.py PATH_OF_JST   (needs alibabacloud-retailcloud20180313)
"""

import hashlib
import http.server
import json
import subprocess
import sys
import threading
from urllib.parse import parse_qsl, urlsplit

from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest

JST = sys.argv[1]
ALGORITHM = "ACS3-HMAC-SHA256"
KEY, SECRET, TOKEN = "fake-access-key", "fake-secret", "fake/token+="


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps every request and answers that all went well."""

    protocol_version = "HTTP/1.1"
    requests = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.path, body, self.headers))
        reply = b'{"Code": 0, "RequestId": "R", "Success": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def judge(method, path, body, headers):
    fields = dict(field.split("=", 1) for field in headers["Authorization"].removeprefix(ALGORITHM + " ").split(","))
    names = fields["SignedHeaders"].split(";")
    request = DaraRequest()
    request.method, request.pathname = method, urlsplit(path).path
    request.query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True, strict_parsing="=" in path))
    request.headers = {name: headers[name] for name in names}
    payload = hashlib.sha256(body).hexdigest()
    assert headers["x-acs-content-sha256"] == payload, headers
    assert headers["Authorization"] == Utils.get_authorization(request, ALGORITHM, payload, KEY, SECRET), headers
    assert {"host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"} <= set(names), names
    assert "Signature" not in request.query and "AccessKeyId" not in request.query, path


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET, "JST_NO_JOURNAL": "1"}

    def jst(*args, **more):
        flags = ["--endpoint", f"http://127.0.0.1:{server.server_port}", "--signature", "v3", "--region", "cn-test"]
        return subprocess.run([JST, *flags, *args], env=keys | more, check=True, capture_output=True, text=True).stdout

    operations = [json.loads(jst("ops", op["Action"], "--json")) for op in json.loads(jst("ops", "--output", "json"))]
    assert len(operations) == 66, len(operations)
    for operation in operations:
        call = ["--allow-destructive", "call", operation["action"], "--json", json.dumps(operation["example"])]
        jst(*call)
        jst(*call, ALIBABA_CLOUD_SECURITY_TOKEN=TOKEN)
    assert len(Recorder.requests) == 2 * 66, len(Recorder.requests)
    assert any(body for _, _, body, _ in Recorder.requests), "no operation had a body to be hashed"
    for index, recorded in enumerate(Recorder.requests):
        judge(*recorded)
        assert recorded[3]["x-acs-security-token"] == (TOKEN if index % 2 else None), recorded
    print("66 operations are signed with version 3 as the vendor's newer client signs them")


main()
