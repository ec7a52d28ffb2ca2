"""Every documented row of a reply that can have a value has one, in some call of `jst sim`, through the models of
each of the vendor's clients.

A row is a name in an operation's reply, as the golden facts have it without what only later clients know. Each
operation is called with its example, is refused once, and is called as rows.json says: with other parameters, after
other calls, or after a while. What cannot arrive is listed there with the reason; nothing else may be missing.

Usage: python rows.py PATH_OF_JST   (needs what requirements.txt and package.json list, in one folder)
"""

import json
import sys
from pathlib import Path

from clients import Simulator, clients, operations

HERE = Path(__file__).parent
FACTS = json.loads((HERE.parent / "golden" / "operations.facts.json").read_text())
KNOWN = json.loads((HERE / "rows.json").read_text())


def rows(reply, path=""):
    """The rows of a reply's tree: `Data`, `Data.AppId`."""
    for name, value in reply.items():
        at = f"{path}.{name}" if path else name
        yield at
        element = value[0] if isinstance(value, list) and value else value
        if isinstance(element, dict):
            yield from rows(element, at)


def arrived(value, path=""):
    """The rows that have a value: false and 0 are values, nothing and emptiness are not."""
    if isinstance(value, list):
        return set().union(*(arrived(element, path) for element in value))
    if not isinstance(value, dict):
        return set()
    found = set()
    for name, inner in value.items():
        at = f"{path}.{name}" if path else name
        if inner not in (None, "", [], {}):
            found |= {at} | arrived(inner, at)
    return found


def ways(operation):
    """The calls of an operation: each a list of steps, of which the last one is looked at."""
    yield [{"call": operation["action"]}]
    yield from KNOWN["calls"].get(operation["action"], [])


def seen(sim, call, by_action, operation):
    """The rows of an operation that arrive through one client."""
    action, found = operation["action"], set()
    for steps in ways(operation):
        sim.reset()
        for step in steps:
            sim.wait(step.get("after", 0))
            sim.faults(*step.get("faults", []))
            target = by_action[step["call"]]
            params = {**target["example"], **step.get("with", {})}
            reply = call(target, {name: value for name, value in params.items() if value is not None})
        found |= arrived(reply)
    sim.reset()
    sim.faults(f"{action}:refusal:code=17:text=refused")
    found |= arrived(call(operation, operation["example"]))
    sim.faults()
    return found


def main():
    sim = Simulator()
    callers, stop = clients(sim)
    by_action = {operation["action"]: operation for operation in operations()}
    for client, call in callers.items():
        missing, total = {}, 0
        for facts in FACTS:
            action = facts["action"]
            documented = set(rows(facts["response"])) - set(KNOWN["later"].get(action, []))
            total += len(documented)
            absent = documented - seen(sim, call, by_action, by_action[action])
            missing |= {f"{action} {row}": None for row in sorted(absent)}
        print(f"{total - len(missing)} of {total} rows arrive through {client}")
        unlisted = sorted(set(missing) - set(KNOWN["without a value"]))
        stale = sorted(set(KNOWN["without a value"]) - set(missing))
        assert not unlisted, f"{client}: without a value, and no reason is listed: {json.dumps(unlisted, indent=1)}"
        assert not stale, f"{client}: these have a value by now: {stale}"
    stop()
    sim.stop()


if __name__ == "__main__":
    main()
