"""The vendor's request objects, set through their own setters."""

import importlib
import json


def by_vendor(operation, params):
    """The request of an operation (as `jst ops NAME --json` describes it) with these parameters."""
    action = operation["action"]
    module = importlib.import_module(f"aliyunsdkretailcloud.request.v20180313.{action}Request")
    request = getattr(module, f"{action}Request")()
    for name, value in params.items():
        if name == "RegionId":  # Every request has it; there is no setter.
            request.add_query_param(name, value)
            continue
        setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s")
        # Its own JSON form of a Boolean, so that both sides write the same text.
        setter(json.dumps(value) if isinstance(value, bool) else value)
    return request
