"""What `make dist` finds wrong with a wheel."""

from __future__ import annotations

from local.tools.dist import CLIENT, PACKAGE, differences, modules

META = "token_broker_client-0.1.0.dist-info/METADATA"


def test_every_module_belongs_and_nothing_else() -> None:
    wanted = modules(CLIENT / PACKAGE)
    assert {"token_broker/py.typed", "token_broker/operator/cli/commands/doctor.py"} <= wanted
    assert not differences([*wanted, META], wanted)
    less = wanted - {"token_broker/agent/app.py"}
    assert differences([*less, META, "tests/x.py"], wanted) == [
        "token_broker/agent/app.py is not in the wheel",
        "tests/x.py does not belong in the wheel",
    ]
