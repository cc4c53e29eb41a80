"""Turns any answer of Microsoft into: what happened, who must act, and how.

Pure, and quick to import: the catalogue (answers.json, texts.json) is read when first needed.

    words        Leg, Class, Effect, Text
    answer       vets what came from outside
    table        the catalogue
    rules        Diagnosis, diagnose, diagnose_redirect, diagnose_transport, text
    advertising  faults of the Microsoft Advertising API
"""

from broker.diagnosis.rules import (
    Diagnosis,
    Reason,
    diagnose,
    diagnose_redirect,
    diagnose_transport,
    text,
    told,
)
from broker.diagnosis.words import Class, Effect, Language, Leg, Text

__all__ = [
    "Class",
    "Diagnosis",
    "Effect",
    "Language",
    "Leg",
    "Reason",
    "Text",
    "diagnose",
    "diagnose_redirect",
    "diagnose_transport",
    "text",
    "told",
]
