"""From a secret to a certificate to AWS's token and back, under load; refusals, and trials."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
import requests
from botocore.exceptions import ClientError
from click.testing import Result
from cryptography import x509

from local import deploy
from local.settings import Settings
from local.simulator.aws_tokens.client import AwsTokens
from tests.cli.conftest import environment, runner
from tests.e2e.harness import Stack, refused, up
from tests.e2e.inbox import inbox
from tests.fakes import certificates

ALL = "secret,certificate,federated"
STEPS = ("callback", "refresh")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with every kind, the secret first."""
    state = tmp_path_factory.mktemp("kinds")
    with up(Settings.apart(state, client_authentication=ALL)) as running:
        yield running


@pytest.fixture
def run(stack: Stack) -> Callable[..., Result]:
    iam = {"AWS_ENDPOINT_URL_IAM": stack.settings.tokens_url}
    return runner(lambda principal: environment(stack, principal) | iam)


def prefer(stack: Stack, order: str) -> None:
    """What a deployment with another list does to the functions: a new version behind the alias."""
    functions = stack.client("lambda")
    for step in STEPS:
        name = f"{deploy.NAME}-{step}"
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]
        variables["Variables"]["CLIENT_AUTHENTICATION"] = order
        functions.update_function_configuration(FunctionName=name, Environment=variables)
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def used(stack: Stack) -> list[str]:
    """By which kind each successful token request authenticated, in order."""
    ledger = [entry for entry in stack.platform.requests() if entry["leg"] == "token"]
    return [entry["credential"] for entry in ledger if entry["outcome"] == "ok"]


class Load:
    """Callers that fetch tokens again and again, and an operator who redeems."""

    def __init__(self, stack: Stack, names: list[str]) -> None:
        self.stack, self.names = stack, names
        self.served, self.failures = 0, list[str]()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._fetch, args=(name,)) for name in names]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _fetch(self, name: str) -> None:
        while not self._over.is_set():
            answer = self.stack.team_a.get(f"/connections/{name}/token")
            self._note(answer)
            time.sleep(0.2)

    def redeem(self) -> None:
        """Each connection once."""
        for name in self.names:
            self._note(self.stack.operator.post(f"/connections/{name}/refresh"))

    def _note(self, answer: requests.Response) -> None:
        if answer.status_code == 200:
            self.served += 1
        else:
            self.failures.append(answer.text)


def test_changing_over_and_back_interrupts_nobody(stack: Stack) -> None:
    names = [stack.connect() for _ in range(3)]
    with inbox(stack) as events, Load(stack, names) as load:
        for kind in ("certificate", "federated", "secret"):
            rest = [other for other in ALL.split(",") if other != kind]
            prefer(stack, ",".join([kind, *rest]))
            before = len(used(stack))
            load.redeem()
            assert set(used(stack)[before:]) == {kind}
            # The next in the list, refused by Microsoft, is told once and costs nobody anything.
        certificate = stack.platform.credentials(stack.settings.client_id, "certificates")[0]
        pem = str(stack.document["client_certificate"])
        thumbprint = certificate["thumbprint"]
        stack.platform.remove_credential(stack.settings.client_id, "certificates", thumbprint)
        prefer(stack, "certificate,secret,federated")
        before = len(used(stack))
        load.redeem()
        assert set(used(stack)[before:]) == {"secret"}
        (item,) = [
            found
            for found in stack.tables()["AuthorizationsTableName"]
            if found["id"].startswith("breaker#") and "#certificate#" in found["id"]
        ]
        assert "700027" in item["detail"]
        # Refused for as long as it may take to spread, it is told.
        stack.edit_underway(item["id"], since=int(time.time()) - 301, retry_at=int(time.time()) - 1)
        prefer(stack, "certificate,secret,federated")
        load.redeem()
        detail = events.wait("Client Credential Failing")
        assert (detail["kind"], detail["actor"]) == ("certificate", "operator")
        assert "SHA-1 thumbprint" in detail["remedy"]
        stack.platform.add_certificate(stack.settings.client_id, pem)
        stack.edit_underway(item["id"], retry_at=int(time.time()) - 1)
        prefer(stack, "certificate,secret,federated")
        load.redeem()
        assert used(stack)[-1] == "certificate"
        told = [event["detail-type"] for event in events.look()]
        assert told.count("Client Credential Failing") == 1
        assert not {kind for kind in told if kind.startswith("Connection")}
    prefer(stack, ALL)
    assert load.failures == []
    assert load.served > 30
    assert {stack.show(name)["status"] for name in names} == {"active"}


def test_trying_a_kind_touches_nothing_when_it_fails(
    stack: Stack, run: Callable[..., Result]
) -> None:
    name = stack.connect()
    for kind in ("certificate", "federated", "secret"):
        done = run("credential", "try", kind, name)
        assert done.exit_code == 0, done.output
        assert used(stack)[-1] == kind
    before = stack.item(name)
    issuer = AwsTokens(stack.settings.tokens_url)
    issuer.settings(enabled=False)
    try:
        prefer(stack, ALL)  # so that no token is held
        failed = run("credential", "try", "federated", name)
        assert failed.exit_code == 5
        assert "enable-outbound-web-identity-federation" in failed.output
        body = refused(
            stack.operator.post(
                f"/connections/{name}/refresh", {"client_authentication": "federated"}
            ),
            502,
            "client_misconfigured",
        )
        assert body["actor"] == "operator"
    finally:
        issuer.settings(enabled=True)
    after = stack.item(name)
    assert before
    assert after
    assert {key: after[key] for key in after if "lease" not in key} == {
        key: before[key] for key in before if "lease" not in key
    }
    stack.fetch(name)


def test_a_disabled_key_is_told_and_the_next_kind_serves(stack: Stack) -> None:
    name, kms, key = stack.connect(), stack.client("kms"), stack.outputs["ClientKeyArn"]
    kms.disable_key(KeyId=key)
    try:
        prefer(stack, "certificate,secret")
        path = f"/connections/{name}/refresh"
        assert stack.operator.post(path).status_code == 200
        assert used(stack)[-1] == "secret"
        trial = stack.operator.post(path, {"client_authentication": "certificate"})
        body = refused(trial, 502, "client_misconfigured")
        assert "aws kms enable-key" in body["remedy"]
    finally:
        kms.enable_key(KeyId=key)
        prefer(stack, ALL)


def test_the_commands_show_make_and_renew(
    stack: Stack, run: Callable[..., Result], tmp_path: Path
) -> None:
    assert run("credential", "try", "certificate", stack.connect()).exit_code == 0
    shown = run("credential", "show", "--json", principal="administrator")
    found = json.loads(shown.stdout)["client_authentication"]
    assert [known["kind"] for known in found] == ALL.split(",")
    assert found[1]["finding"]["ok"], found
    assert "SHA-1 thumbprint" in found[1]["finding"]["detail"]
    told = json.loads(run("credential", "federated", "--json", principal="administrator").stdout)
    assert {
        "issuer": told["issuer"],
        "subjects": told["subjects"],
        "audience": told["audience"],
    } == (stack.document["web_identity"])

    path = tmp_path / "new.pem"
    made = run("credential", "certificate", "--out", str(path), "--days", "90",
               principal="administrator")  # fmt: skip
    assert made.exit_code == 0, made.output
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    certificate.verify_directly_issued_by(certificate)
    again = run("credential", "certificate", "--out", str(path), principal="administrator")
    assert again.exit_code == 2, "a file is not overwritten"
    stack.platform.add_certificate(stack.settings.client_id, path.read_text())
    taken = run("credential", "certificate", "--use", str(path), principal="administrator")
    assert taken.exit_code == 0, taken.output
    name = stack.connect()
    assert run("credential", "try", "certificate", name).exit_code == 0
    entry = [entry for entry in stack.platform.requests() if entry["leg"] == "token"][-1]
    assert entry["credential"] == "certificate"


def test_a_file_that_is_no_certificate_of_the_key_is_refused(
    stack: Stack, run: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "file.pem"
    for text, words in (
        ("canary", "one PEM certificate"),
        ("-----BEGIN CERTIFICATE-----canary", "no PEM certificate"),
        (certificates.private_pem(), "private key"),
        (certificates.pem(1) + certificates.pem(2), "one PEM certificate"),
        (certificates.pem(1), "not of the stack's KMS key"),
    ):
        path.write_text(text)
        done = run("credential", "certificate", "--use", str(path), principal="administrator")
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert "canary" not in done.output
        path.unlink()


def test_only_the_functions_roles_may_sign(stack: Stack) -> None:
    """The emulator's administrator is none of them: the key's policy denies even him."""
    kms, key = stack.client("kms"), stack.outputs["ClientKeyArn"]
    broad = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    keys = deploy.assume(
        stack.client, "broad", json.dumps({"Version": "2012-10-17", "Statement": [broad]})
    )
    role = boto3.client(
        "kms",
        endpoint_url=stack.settings.endpoint,
        region_name=deploy.REGION,
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )
    wish: dict[str, Any] = {"KeyId": key, "Message": b"m", "MessageType": "RAW"}
    with pytest.raises(ClientError, match="AccessDenied"):
        role.sign(**wish, SigningAlgorithm="RSASSA_PSS_SHA_256")
    assert role.sign(**wish, SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    role.close()
    assert kms.get_public_key(KeyId=key)["KeyUsage"] == "SIGN_VERIFY"


def test_aws_token_is_what_the_issuer_publishes(stack: Stack) -> None:
    """PyJWT, with the issuer's own keys."""
    issuer = stack.document["web_identity"]["issuer"]
    configuration = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    assert jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_keys()
    asked = [entry for entry in AwsTokens(issuer).requests() if entry["outcome"] == "ok"]
    assert asked
    assert {tuple(entry["audiences"]) for entry in asked} == {("api://AzureADTokenExchange",)}
    assert {(entry["algorithm"], entry["seconds"]) for entry in asked} == {("RS256", 300)}
