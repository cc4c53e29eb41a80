"""Google's sign-in scopes: short names, long forms, and the order of answers."""

from __future__ import annotations

from .errors import GoogleRefusal

_LONG = "https://www.googleapis.com/auth/userinfo."
_FORMS = {"openid": "openid", "email": f"{_LONG}email", "profile": f"{_LONG}profile"}
_SHORT = {long: short for short, long in _FORMS.items()}


def parse(text: str) -> tuple[str, ...]:
    """Short names, once each. Raises GoogleRefusal invalid_scope."""
    items = text.split()
    names = [_SHORT.get(item, item) for item in items]
    invalid = [name for name in names if name not in _FORMS]
    if invalid:
        valid = ", ".join(name for name in names if name in _FORMS)
        text = f"Some requested scopes were invalid. {{valid=[{valid}], invalid={invalid}}}"
        raise GoogleRefusal("invalid_scope", text=text)
    return tuple(dict.fromkeys(names))


def answered(scopes: tuple[str, ...]) -> str:
    """As answers carry them: long forms first, `openid` last."""
    return " ".join(sorted((_FORMS[name] for name in scopes), key=lambda s: (s == "openid", s)))
