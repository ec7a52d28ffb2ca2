"""The same files and variables give the same identity as the vendor's default chain: over every set-up below, the key
and token that `jst call` signs with are those that the vendor's `alibabacloud-credentials` finds.

Usage: python credentials.py PATH_OF_JST   (needs alibabacloud-credentials)
"""

import http.server
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import Tea.core

JST = sys.argv[1]
EXPIRES = "2999-01-01T00:00:00Z"
ROLES = "/latest/meta-data/ram/security-credentials/"


def handed(name):
    key = {"AccessKeyId": f"id-of-{name}", "AccessKeySecret": "fake-secret", "SecurityToken": f"token-of-{name}"}
    return key | {"Expiration": EXPIRES, "Code": "Success"}


def answer(method, path, params):
    """What metadata host, token service and URI say, whoever asks."""
    if path == "/latest/api/token":
        return "fake-token"
    if path == ROLES:
        return "machine"
    if path.startswith(ROLES):
        return json.dumps(handed(path.removeprefix(ROLES)))
    if path == "/uri":
        return json.dumps(handed("uri"))
    if params.get("Action", "").startswith("AssumeRole"):
        by = params.get("AccessKeyId") or params["OIDCToken"]
        return json.dumps({"Credentials": handed(f"{params['RoleArn'].split('/')[-1]}-by-{by}")})
    return json.dumps({"Code": 0, "TotalCount": 0, "Data": []})


class StandIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    signed = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        params = dict(parse_qsl(parts.query)) | dict(parse_qsl(body))
        if params.get("Action") == "ListApp":
            self.signed.append((params["AccessKeyId"], params.get("SecurityToken")))
        reply = answer(self.command, parts.path, params).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Reply:
    status_code, status_message, headers = 200, "OK", {}

    def __init__(self, text):
        self.body = text.encode()


def by_vendor(env):
    """Who the vendor's chain finds, in a process of its own: it reads the environment when it is imported."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.environ.clear()
        os.environ.update(env)

        def ask(request, *_):
            params = dict(request.query or {})
            if request.body:
                params |= dict(parse_qsl(request.body.decode() if isinstance(request.body, bytes) else request.body))
            return Reply(answer(request.method, request.pathname or "/", params))

        Tea.core.TeaCore.do_action = staticmethod(ask)
        try:
            from alibabacloud_credentials.provider import DefaultCredentialsProvider

            found = DefaultCredentialsProvider().get_credentials()
            said = [found.get_access_key_id(), found.get_security_token() or None]
        except Exception as error:
            said = [None, str(error)]
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = json.load(pipe)
    os.waitpid(child, 0)
    return tuple(said)


def by_jst(env, url):
    StandIn.signed.clear()
    there = {"JST_ENDPOINT": url, "JST_STS_ENDPOINT": url, "JST_METADATA_ENDPOINT": url}
    ran = subprocess.run([JST, "call", "ListApp"], env=env | there, capture_output=True, text=True)
    return StandIn.signed[0] if StandIn.signed else (None, ran.stderr)


def set_ups(home, url):
    key = {"access_key_id": "id-cli", "access_key_secret": "fake-secret"}
    role = {"ram_role_arn": "acs:ram::1:role/cli", "ram_session_name": "s", "expired_seconds": 3600}
    token = str(home / "token")
    printed = json.dumps({"mode": "StsToken", "access_key_id": "id-ext", "access_key_secret": "fake", "sts_token": "t-ext", "expiration": EXPIRES})
    modes = {
        "AK": key,
        "StsToken": key | {"sts_token": "token-cli"},
        "RamRoleArn": key | role,
        "EcsRamRole": {"ram_role_name": "web"},
        "ChainableRamRoleArn": role | {"source_profile": "base"},
        "OIDC": role | {"oidc_provider_arn": "p", "oidc_token_file": token},
        "External": {"process_command": f"printf %s '{printed}'"},
    }
    base = {"name": "base", "mode": "AK", "access_key_id": "id-base", "access_key_secret": "fake-secret"}
    config = lambda mode: {"current": "mine", "profiles": [{"name": "mine", "mode": mode} | modes[mode], base]}
    ini = {
        "access_key": "access_key_id = id-ini\naccess_key_secret = fake-secret",
        "ram_role_arn": "access_key_id = id-ini\naccess_key_secret = fake-secret\nrole_arn = acs:ram::1:role/ini\nrole_session_name = s",
        "ecs_ram_role": "role_name = ini",
        "oidc_role_arn": f"role_arn = acs:ram::1:role/ini\noidc_provider_arn = p\noidc_token_file_path = {token}\nrole_session_name = s",
    }
    ini = {kind: f"[default]\ntype = {kind}\n{text}\n[other]\ntype = {kind}\n{text}\n" for kind, text in ini.items()}
    prefix = "ALIBABA_CLOUD_"
    ak = {prefix + "ACCESS_KEY_ID": "id-env", prefix + "ACCESS_KEY_SECRET": "fake-secret"}
    sts = ak | {prefix + "SECURITY_TOKEN": "token-env"}
    oidc = {prefix + "OIDC_TOKEN_FILE": token, prefix + "ROLE_ARN": "acs:ram::1:role/pod", prefix + "OIDC_PROVIDER_ARN": "p"}
    off, uri = {prefix + "ECS_METADATA_DISABLED": "true"}, {prefix + "CREDENTIALS_URI": url + "/uri"}
    named = {prefix + "ECS_METADATA": "named"}
    for mode, env, pod in itertools.product(modes, [{}, ak, sts], [{}, oidc]):
        yield env | pod, config(mode), None
    for kind, env in itertools.product(ini, [{}, ak, oidc, {prefix + "PROFILE": "other"}, {prefix + "CLI_PROFILE_DISABLED": "true"}]):
        yield env, config("AK") if prefix + "CLI_PROFILE_DISABLED" in env else None, ini[kind]
    for mode, kind in itertools.product(["AK", "RamRoleArn"], ini):
        yield {}, config(mode), ini[kind]
    for env in [{}, named, off, uri, off | uri, named | uri, {prefix + "IMDSV1_DISABLED": "true"}]:
        yield env, None, None
    for mode in modes:
        yield {prefix + "PROFILE": "base"}, config(mode), None


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "token").write_text("fake-oidc")
        places = [home / ".aliyun/config.json", home / ".alibabacloud/credentials.ini"]
        for env, config, ini in set_ups(home, url):
            texts = [config and json.dumps(config), ini]
            for path, text in zip(places, texts):
                path.parent.mkdir(exist_ok=True)
                path.unlink(missing_ok=True)
                if text:
                    path.write_text(text)
            env = {"HOME": folder, "PATH": os.environ["PATH"]} | env
            vendor, ours = by_vendor(env), by_jst(env, url)
            same = vendor == ours or (vendor[0] is None and ours[0] is None)
            assert same, (env, config, ini, vendor, ours)
            count += 1
    assert count >= 60, count
    print(f"{count} set-ups give the identity that the vendor's chain finds")


main()
