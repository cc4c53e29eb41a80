"""What `credential show` and `doctor` look at: each kind of client authentication, its end, when it
last worked or was refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from token_broker._json import decode
from token_broker.errors import TokenBrokerError
from token_broker.operator.attention import FUTURE, instant
from token_broker.operator.awserrors import refused, told, told_or_refused
from token_broker.operator.cli.aws import client
from token_broker.operator.cli.health.finding import Finding, failed
from token_broker.operator.cli.health.history import last
from token_broker.operator.cli.session import Session

EXPIRY_NOTICE = 30 * 86_400
"""Seconds; as the alarms' and the events'."""
PLACEHOLDER = "REPLACE-ME"
AUDIENCE = "api://AzureADTokenExchange"
"""What Entra expects of a federated credential."""
UNREADABLE = "unreadable"
"""Stands for the version of a credential that the broker cannot even read."""

Outputs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its finding, its end, and the versions that a breaker may be open for."""

    finding: Finding
    ends_at: str | None = None
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a kind is refused, as the broker's open breaker says."""

    since: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one kind. Times are RFC 3339; None: it was not seen."""

    kind: str
    finding: Finding
    ends_at: str | None
    last_worked: str | None
    last_refused: str | None
    refusal: Refusal | None


def examine(session: Session, stack: str, found: Outputs) -> Iterator[Known]:
    """Each kind of the stack, the preferred one first."""
    looks = {"secret": _secret, "certificate": _certificate, "federated": _federated}
    for name in found["ClientAuthenticationKinds"].split(","):
        try:
            kind = looks[name](session, found)
        except TokenBrokerError as error:
            kind = Kind(failed(f"client {name}", error, ok=None))
        refusal = _refusal(session, found, name, kind.versions)
        yield Known(
            name,
            _judged(kind.finding, refusal),
            kind.ends_at,
            last(session, stack, "CredentialWorked", name),
            last(session, stack, "CredentialRefused", name),
            refusal,
        )


def _judged(finding: Finding, refusal: Refusal | None) -> Finding:
    """An open breaker tells more than what is stored."""
    if refusal is None or finding.ok is False:
        return finding
    detail = f"Refused since {refusal.since}: {refusal.detail}"
    return replace(finding, ok=False, detail=detail, code=refusal.code, actor="operator")


def _secret(session: Session, found: Outputs) -> Kind:
    """The client secret's note of its end. The secret itself is neither shown nor kept."""
    name, arn = "client secret", found["ClientSecretArn"]
    mend = ("Make one in Entra, then store it.", found["ClientSecretCommand"])
    try:
        answer = client(session, "secretsmanager").get_secret_value(SecretId=arn)
        value = decode(answer["SecretString"])
        placeholder, ends = value.get("client_secret") == PLACEHOLDER, value.get("expires_at")
    except refused() as error:
        raise told(error, f"secretsmanager:GetSecretValue on {arn}") from None
    except (ValueError, KeyError, AttributeError):
        return Kind(_bad(name, "It is not JSON with client_secret.", *mend), None, (UNREADABLE,))
    if placeholder:
        return Kind(_bad(name, "It is still the placeholder.", *mend), None, (UNREADABLE,))
    versions = (str(answer["VersionId"]), UNREADABLE)
    if not ends:
        advice = 'Store "expires_at" beside it, and the broker tells you before it ends.'
        unknown = Finding(name, None, "Stored; nobody has noted its end.", advice)
        return Kind(unknown, None, versions)
    return Kind(_ending(name, str(ends), "client_secret_expired", *mend), str(ends), versions)


def _certificate(session: Session, found: Outputs) -> Kind:
    from token_broker.operator import certificates

    name, parameter = "client certificate", found["ClientCertificateParameterName"]
    mend = ("Make one; it says where to upload it.", "token-broker credential certificate")
    try:
        answer = client(session, "ssm").get_parameter(Name=parameter)
        text = str(answer["Parameter"]["Value"])
    except refused() as error:
        raise told(error, f"ssm:GetParameter on {parameter}") from None
    if text.strip() == PLACEHOLDER:
        return Kind(_bad(name, "There is none yet.", *mend), None, (UNREADABLE,))
    try:
        certificate = certificates.read(text)
        described = certificates.describe(certificate)
        public = certificates.public_key(client(session, "kms"), found["ClientKeyArn"])
        certificates.check(certificate, public)
    except TokenBrokerError as error:
        if error.code != "invalid_request":
            raise
        return Kind(_bad(name, error.detail, *mend), None, (UNREADABLE,))
    ending = _ending(name, described.ends_at, "client_certificate_expired", *mend)
    detail = f"{ending.detail} Its SHA-1 thumbprint is {described.thumbprint}."
    versions = (described.sha256, UNREADABLE)
    return Kind(replace(ending, detail=detail), described.ends_at, versions)


def _federated(session: Session, found: Outputs) -> Kind:
    name = "client federated"
    issuer = outbound(session)
    if issuer is None:
        off = "Outbound identity federation is switched off in this account."
        command = "aws iam enable-outbound-web-identity-federation"
        return Kind(_bad(name, off, "Switch it on.", command), None, (UNREADABLE,))
    subjects = found["ClientSubjects"].split(",")
    versions = [digest(issuer, subject) for subject in subjects]
    detail = f"AWS issues tokens as {issuer}; it never ends."
    command = "token-broker credential federated"
    remedy = "Compare with Entra what this command says."
    finding = Finding(name, True, detail, remedy, command=command)
    return Kind(finding, None, (*versions, UNREADABLE))


def outbound(session: Session) -> str | None:
    """The account's issuer; None if its outbound federation is switched off."""
    try:
        answer = client(session, "iam").get_outbound_web_identity_federation_info()
    except refused() as error:
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
        if code.removesuffix("Exception") == "FeatureDisabled":
            return None
        raise told(error, "iam:GetOutboundWebIdentityFederationInfo") from None
    return str(answer["IssuerIdentifier"]) if answer.get("JwtVendingEnabled", True) else None


def digest(issuer: str, subject: str) -> str:
    """The version that the broker gives a federated credential."""
    return hashlib.sha256(f"{issuer}\n{subject}\n{AUDIENCE}".encode()).hexdigest()[:32]


def _refusal(
    session: Session, found: Outputs, kind: str, versions: tuple[str, ...]
) -> Refusal | None:
    """The open breaker of one of these versions."""
    for version in versions:
        key = {"id": {"S": f"breaker#{found['ClientId']}#{kind}#{version}"}}
        try:
            table = found["AuthorizationsTableName"]
            answer = client(session, "dynamodb").get_item(TableName=table, Key=key)
        except told_or_refused():
            return None  # optional: not every operator may read the table
        if item := answer.get("Item"):
            since = datetime.fromtimestamp(int(item["since"]["N"]), UTC)
            moment = since.strftime("%Y-%m-%dT%H:%M:%SZ")
            return Refusal(moment, item["code"]["S"], item["detail"]["S"])
    return None


def _ending(name: str, ends_at: str, code: str, remedy: str, command: str) -> Finding:
    moment = instant(ends_at)
    if moment == FUTURE:
        return _bad(name, "Its note of an end is no date.", remedy, command)
    left = (moment - datetime.now(UTC)).total_seconds()
    if left <= 0:
        return Finding(name, False, f"It ended at {ends_at}.", remedy, code, "operator", command)
    if left < EXPIRY_NOTICE:
        return Finding(name, None, f"It ends at {ends_at}.", remedy, command=command)
    return Finding(name, True, f"It ends at {ends_at}.")


def _bad(name: str, detail: str, remedy: str, command: str) -> Finding:
    return Finding(name, False, detail, remedy, "client_misconfigured", "operator", command)
