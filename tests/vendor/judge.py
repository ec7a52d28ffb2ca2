"""What jst printed, held against those who take it.

Usage: python judge.py kubernetes|metrics|report|runs < TEXT   (needs kubernetes-validate, prometheus_client)

`kubernetes` prints the kinds that were found valid, `metrics` the samples, as JSON; `report` and `runs` hold
JSON against the schema of this name in `packaging/`.
"""

import json
import sys

def kubernetes(text):
    import kubernetes_validate
    import yaml

    # The first with everything that is used, and the latest that the package knows.
    versions = ["1.31", kubernetes_validate.latest_version()]
    resources = [resource for resource in yaml.safe_load_all(text) if resource is not None]
    for resource in resources:
        for version in versions:
            kubernetes_validate.validate(resource, version, strict=True)
    return [resource["kind"] for resource in resources]


def metrics(text):
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(text)
    return [[sample.name, sample.labels, sample.value] for family in families for sample in family.samples]


def schema(text):
    import jsonschema

    with open(f"../../packaging/{sys.argv[1]}.schema.json") as file:
        schema = json.load(file)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(json.loads(text))
    return "valid"


kinds = {"kubernetes": kubernetes, "metrics": metrics, "report": schema, "runs": schema}
print(json.dumps(kinds[sys.argv[1]](sys.stdin.read())))
