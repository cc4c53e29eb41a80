"""The catalogue of what AWS, or a stored certificate, has against a credential."""

from __future__ import annotations

import re

import pytest

from broker.adapters import parameters, signing, web_identity
from broker.domain.credentials import CredentialKind
from broker.domain.problems import KINDS
from broker.providers import certificate, federation
from broker.providers.credential_findings import findings, problem
from local.template import ROOT

RAISED = {
    *signing._FINDINGS.values(),
    *parameters._FINDINGS.values(),
    *web_identity._FINDINGS.values(),
}


def test_every_finding_is_raised_and_every_one_raised_is_known() -> None:
    sources = [
        (ROOT / "layers/broker/broker/providers" / f"{module.__name__.rpartition('.')[2]}.py")
        for module in (certificate, federation)
    ]
    named = {
        word
        for source in sources
        for word in re.findall(r'"(certificate_[a-z_]+)"', source.read_text())
    }
    assert findings().keys() == RAISED | named


@pytest.mark.parametrize("name", sorted(findings()))
def test_each_says_what_and_how_in_both_languages(name: str) -> None:
    entry = findings()[name]
    assert entry.code in KINDS
    assert entry.kind in (CredentialKind.CERTIFICATE, CredentialKind.FEDERATED)
    for texts in (entry.what, entry.remedy):
        assert len({*texts.values()}) == 2
        assert re.search(r"[ぁ-んァ-ン]", texts["ja"])
        assert texts["en"].endswith(".")
    said = problem(name, "The thumbprint is AB12.")
    assert (said.actor, said.status) == ("operator", 502)
    assert said.remedy.startswith("The operator ")
    assert said.remedy.endswith("The thumbprint is AB12.")
    assert said.detail.startswith(f"{entry.kind}: ")
