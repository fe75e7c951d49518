"""How grpc is imported: quick where it can be, as the user says where he says, and quiet."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vecdb.client.grpc_module import VARIABLE

PROGRAM = """
import os, sys
{before}
class Spy:
    def find_spec(self, name, path=None, target=None):
        if name == "grpc":
            print("during", os.environ.get("GRPC_EXPERIMENTS"))
sys.meta_path.insert(0, Spy())
import {module}
print("after", os.environ.get("GRPC_EXPERIMENTS"))
import grpc
grpc.insecure_channel("localhost:1").close()
"""


def run(before: str = "", variable: str | None = None, module: str = "vecdb.client") -> list[str]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if variable is not None:
        environment[VARIABLE] = variable
    program = PROGRAM.format(before=before, module=module)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("module", ["vecdb.client", "vecdb.server.server", "vecdb.server.entry"])
def test_the_variable_is_there_for_the_import_alone(module: str) -> None:
    found = run(module=module)
    assert found[-1] == "after None"
    assert "during -event_engine_client,-event_engine_listener" in found


@pytest.mark.parametrize("value", ["", "event_engine_client"])
def test_what_the_user_set_stays(value: str) -> None:
    found = run(variable=value)
    assert found[-1] == f"after {value}"
    assert set(found[:-1]) == {f"during {value}"}


def test_a_grpc_that_is_there_is_taken_as_it_is() -> None:
    assert run(before="import grpc") == ["after None"]
