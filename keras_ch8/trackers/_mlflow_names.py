"""What MLflow calls things."""

import hashlib
import os
import posixpath
import re
from typing import Any

LONGEST = 250
"""Characters of a name that MLflow takes."""


def spelled(name: str) -> str:
    """Return a name that MLflow takes, another one for every other name.

    What it refuses, anything but letters, digits, underscores, periods, dashes, spaces and slashes, becomes its code:
    `a@1` becomes `a-x40-1`. So do the slashes and periods of what is no path, such as `a//b`, and the dash of what
    looks like a code. Of what is too long the end becomes a hash.
    """
    refused = r"[^\w. /-]|-(?=x)"
    is_path = posixpath.normpath(name) == name and not name.startswith(("/", ".."))
    made = re.sub(refused if is_path and name != "." else rf"{refused}|[./]", lambda c: f"-x{ord(c[0]):x}-", name)
    if 0 < len(made) <= LONGEST:
        return made
    return f"{made[: LONGEST - 50]}-x-{hashlib.sha1(name.encode()).hexdigest()}"


def experiment_id(client: Any, name: str | None) -> str:
    """Return the id of an experiment, which is made where there is none; without a name, of that which is set."""
    if name is None:
        return os.environ.get("MLFLOW_EXPERIMENT_ID", "0")  # where `mlflow.set_experiment` puts it too
    there = client.get_experiment_by_name(name)
    made: str = client.create_experiment(name) if there is None else there.experiment_id
    return made
