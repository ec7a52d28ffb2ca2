"""The vendor's two Python SDKs and its Node client call all 66 operations of `jst sim` and get the documented
replies.

Usage: python sdk.py PATH_OF_JST   (needs what requirements.txt and package.json list, in one folder)
"""

from clients import Simulator, clients, operations


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
    callers, stop = clients(sim)
    count = 0
    for operation in operations():
        replies = []
        for call in callers.values():
            sim.reset()
            reply = call(operation, operation["example"])
            expect(operation, reply)
            replies.append(without_ids(reply))
        assert all(reply == replies[0] for reply in replies), (operation["action"], replies)
        count += 1
    stop()
    sim.stop()
    assert count == 66, count
    print("66 operations answered to every client")


main()
