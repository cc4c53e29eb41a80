"""The cold start of the token function, against the floor that no function of its kind gets below.

Fresh processes on the built layers, alternating, so that whatever else the machine does hits all
programs alike. CPU seconds (user and system) are the figure; wall-clock time stands beside them.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from broker.domain.secret import Secret
from local import package
from local.bench import canned, sample
from local.bench.randomness import Steady
from local.template import ROOT

FLOOR = "import boto3; s = boto3.Session(); s.client('dynamodb'); s.client('kms')"
"""What every function pays that reads an item and opens a sealed value with the AWS SDK."""
IMPORT = "import handler"
FIRST = (
    "import handler, json, os; a = handler.handler(json.loads(os.environ['EVENT']), None); "
    "assert a['statusCode'] == 200, a['statusCode']"
)
PROGRAMS = {
    "floor": FLOOR,
    "import handler": IMPORT,
    "import and first call": FIRST,
    "floor and the same two calls": FLOOR.replace("s.client('dynamodb'); s.client('kms')", "")
    + "s.client('dynamodb').get_item(TableName='t', Key={'name': {'S': 'x'}}); "
    "s.client('kms').decrypt(CiphertextBlob=b'x')",
    "floor, no garbage collection": f"import gc; gc.disable(); {FLOOR}",
    "import boto3": "import boto3",
    "import botocore.session": "import botocore.session",
}


@dataclass(slots=True)
class Times:
    """Seconds of each run."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@contextmanager
def ground(python: Path, event: str) -> Iterator[dict[str, str]]:
    """The environment of a token function on freshly built layers, with canned answers of AWS."""
    package.BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package.BUILD) as scratch:
        into = Path(scratch)
        _build(into, python)
        keys = sample.OneKey()
        before = sample.connection("cold", "https://login.microsoftonline.com", "client")
        now = int(time.time())
        made = sample.consent(
            before, "bench", (keys, keys), Secret("r"), now + 3500, now + 2000, Steady()
        )
        with canned.serve(sample.stored(made), keys) as url:
            parts = (into / "token", into / "broker" / "python", into / "dependencies" / "python")
            yield {
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": os.pathsep.join(map(str, parts)),
                "PYTHONDONTWRITEBYTECODE": "1",  # /opt is read-only in Lambda
                "AWS_ENDPOINT_URL": url,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_EC2_METADATA_DISABLED": "true",
                "POWERTOOLS_METRICS_NAMESPACE": "bench",
                "POWERTOOLS_SERVICE_NAME": "token",
                "STACK_NAME": "bench",
                "CONNECTIONS_TABLE": "connections",
                "CONNECTIONS_KEY": "key",
                "REFRESH_FUNCTION": "refresh",
                "EVENT": event,
            }


def _build(into: Path, python: Path) -> None:
    for directory, target in (("layers", "DependenciesLayer"), ("layers", "BrokerLayer")):
        made = into / target.removesuffix("Layer").lower()
        made.mkdir()
        package.make(ROOT / directory, target, made, python, host=True)
    (into / "token").mkdir()
    shutil.copy(ROOT / "functions" / "token" / "handler.py", into / "token")


def race(
    python: Path, environment: Mapping[str, str], programs: Mapping[str, str], rounds: int
) -> dict[str, Times]:
    """Run the programs in turn, each round all of them; the first round only warms the files."""
    times = {name: Times() for name in programs}
    for number in range(rounds + 1):
        for name, code in programs.items():
            before, begun = _spent(), time.perf_counter()
            subprocess.run(
                [str(python), "-c", code],
                check=True,
                env=dict(environment),
                stdout=subprocess.DEVNULL,
            )
            wall, cpu = time.perf_counter() - begun, _spent() - before
            if number:
                times[name].wall.append(wall)
                times[name].cpu.append(cpu)
    return times


def _spent() -> float:
    """CPU seconds of the processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ratio(times: Mapping[str, Times], name: str, floor: str = "floor") -> float:
    """CPU seconds against the floor's: the median of the rounds' own ratios."""
    pairs = zip(times[name].cpu, times[floor].cpu, strict=True)
    return statistics.median(one / other for one, other in pairs)


def costs(python: Path, environment: Mapping[str, str], code: str, rounds: int) -> Counter[str]:
    """Microseconds of importing, by top-level package: the least of some runs, per module."""
    least: dict[str, int] = {}
    for _ in range(rounds):
        shown = subprocess.run(
            [str(python), "-X", "importtime", "-c", code],
            check=True,
            env=dict(environment),
            capture_output=True,
            text=True,
        ).stderr
        for line in shown.splitlines():
            own, _, name = line.removeprefix("import time:").partition("|")
            module = name.rpartition("|")[2].strip()
            if own.strip().isdigit():
                least[module] = min(int(own), least.get(module, int(own)))
    found: Counter[str] = Counter()
    for module, spent in least.items():
        found[_group(module)] += spent
    return found


def _group(module: str) -> str:
    top = module.partition(".")[0]
    known = ("botocore", "boto3", "urllib3", "cryptography", "broker", "aws_lambda_powertools")
    return top if top in (*known, "jmespath", "dateutil", "s3transfer", "handler") else "others"
