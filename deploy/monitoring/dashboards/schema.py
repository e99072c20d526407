"""Loads dashboards into the model of Grafana's own SDK, and prints what that does not take: keys that it does not know, since they
are lost when the model is written again, and values that it does not know. A line each; the exit code is 1 if there is any.

usage: schema.py DASHBOARD.json...
"""

import enum
import json
import sys
import typing

from grafana_foundation_sdk.cog import encoder, plugins
from grafana_foundation_sdk.cog.runtime import UnknownDataquery, panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

# The model has no keys of the annotations of a data source. These are those of Prometheus.
ANNOTATIONS = {"$.annotations.list[].titleFormat", "$.annotations.list[].textFormat", "$.annotations.list[].tagKeys"}


def differences(want, got, at="$"):
    """Where two values read from JSON differ: what is in the first and not in the second."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key, value in want.items():
            below = f"{at}.{key}"
            if key not in got:
                yield f"{below} is not known"
            else:
                yield from differences(value, got[key], below)
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (a, b) in enumerate(zip(want, got)):
            yield from differences(a, b, f"{at}[{i}]")
    elif want != got:
        yield f"{at} is {want!r}, and would be {got!r}"


def words(value, at="$"):
    """Values in a model that are none of those that may be at their place: words, and kinds of panels."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from words(item, f"{at}[{i}]")
    if isinstance(value, Panel) and panelcfg_config(value.type_val) is None:
        yield f"{at}: there is no panel of type {value.type_val!r}"
    if isinstance(value, UnknownDataquery):
        yield f"{at}: it is of no data source that is known"
    if not hasattr(value, "to_json"):
        return
    hints = typing.get_type_hints(type(value))
    for name, item in vars(value).items():
        hint = hints.get(name)
        kinds = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
        if item is not None and not fits(item, kinds):
            yield f"{at}.{name} may not be {item!r}"
        yield from words(item, f"{at}.{name}")


def fits(item, kinds):
    """Whether a value may be of one of some types, as far as these are plain ones."""
    for kind in kinds:
        if isinstance(kind, enum.EnumType) and item in list(kind):
            return True
        if kind is float and isinstance(item, (int, float)) or kind in (str, int, bool) and isinstance(item, kind):
            return True
        if kind not in (str, int, bool, float, type(None)) and not isinstance(kind, enum.EnumType):
            return True  # a model of its own, a list: it is looked at by itself
    return False


def faults(text):
    """All that the model does not take of a dashboard."""
    want = json.loads(text)
    try:
        model = Dashboard.from_json(want)
        got = json.loads(encoder.JSONEncoder().encode(model))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        yield f"cannot be loaded: {type(e).__name__}: {e}"
        return
    for line in differences(want, got):
        path = line.split(" ")[0]
        if "".join(c for c in path if not c.isdigit()) not in ANNOTATIONS:
            yield line
    yield from words(model)


def main(files):
    plugins.register_default_plugins()
    found = 0
    for file in files:
        with open(file, encoding="utf-8") as f:
            for line in faults(f.read()):
                print(f"{file}: {line}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
