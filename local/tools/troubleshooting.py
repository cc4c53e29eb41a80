"""Writes docs/troubleshooting.md from the catalogue of diagnoses.

python -m local.tools.troubleshooting          writes the page
python -m local.tools.troubleshooting --check  exits 1 if the page is out of step with the catalogue
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from broker.domain.names import IdentityProvider
from broker.domain.problems import Actor
from broker.providers import readers
from broker.providers.credential_findings import findings
from broker.providers.diagnosis import text
from broker.providers.diagnosis import told as diagnosed
from broker.providers.error_catalogue import Entry, table
from broker.providers.terms import Class, Effect, Language, Text
from broker.services.advertising import catalogue, told
from broker.web.outcomes import Ending
from broker.web.pages.language import words

PAGE = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"

INTRODUCTION = """\
# Troubleshooting / トラブルシューティング

<!-- Generated from layers/broker/broker/providers by `make docs`. -->

What happened, who must act, and how: for every answer of Microsoft that the broker knows.
Find yours by the title of the page you saw, by the `code` of the error, or by searching this page
for the AADSTS number. Support asks for the trace id, the correlation id and the time.

Microsoft からの応答ごとに、何が起きたか、誰が対応するか、どう対応するかをまとめています。
表示されたページの題名、エラーの `code`、または AADSTS 番号でこのページを検索してください。
サポートへの問い合わせには、トレース ID、相関 ID、時刻が必要です。

People / 関係者:

- **owner** consents with the Microsoft account / ご本人: Microsoft アカウントで同意する人
- **tenant_admin** rules over the Microsoft Entra tenant / テナントの管理者
- **operator** runs the broker / 運用担当者: このシステムを運用する人
- **caller** writes the job that fetches tokens / 呼び出し元: トークンを取得するジョブの担当者
- **nobody** need act: it passes / 対応不要: 自然に回復します

An answer changes a connection only after it was confirmed by a second attempt.
A number the broker does not know never decides: then the OAuth `error` does. Numbers of SAML
sign-ins and of other flows that a web application cannot meet are left out.

While someone is at the link in a browser, an answer changes no active connection. There, "sign in
and consent again" reads [the sign-in was not completed](#restart).

連携の状態が変わるのは、2 回目の試行で同じ結果が確認された場合だけです。未知の番号は判断に使わず、
OAuth の `error` に従います。ブラウザーでリンクを操作している間の応答は、有効な連携に影響しません。
Web アプリでは起こらない番号 (SAML など) は省いています。
"""

READERS: tuple[readers.Reader, ...] = ("owner", "tenant_admin")

LANGUAGES: tuple[Language, Language] = ("en", "ja")

CREDENTIALS = """\
<a id="client-credentials"></a>

## Client credentials: AWS / クライアントの資格情報 (AWS)

What AWS, or the stored certificate, has against a credential before Microsoft is asked. No
connection is lost; the next kind in `ClientAuthentication` serves, if there is one:
[client-authentication.md](client-authentication.md).

Microsoft に問い合わせる前に、AWS または保存された証明書が原因で資格情報を使えない場合です。
連携は失われません。`ClientAuthentication` に次の種別があれば、それが使われます。
"""

GOOGLE = """\
<a id="google"></a>

## Google

Answers of Google, for people who sign in to Microsoft Advertising with Google. Google gives no
numbers and no trace ids: the OAuth `error` decides. Some errors stay on Google's own page
("Access blocked") and never come back: then the connection shows an attempt that has not returned.

Google でログインする方の連携に関する Google からの応答です。番号やトレース ID はなく、OAuth の
`error` で判断します。一部のエラーは Google の画面 (「アクセスをブロック」) にだけ表示されます。
その場合、連携の状態には「開始されたまま戻っていない」ことが表示されます。
"""

ADVERTISING = """\
## Microsoft Advertising

Faults of the API itself, after a token was issued. "Invalid client data" is only a wrapper: the
code inside counts. Keep the tracking id for support.

トークン発行後の API のエラーです。
「Invalid client data」は包括的な文言であり、中のコードが原因を示します。
サポートへの問い合わせには追跡 ID が必要です。
"""

MUTE = """\
<a id="mute"></a>

## Numbers that do not decide / 判断に使わない番号

They mean different things; the OAuth `error`, or a second number beside them, decides.

複数の意味を持つ番号です。OAuth の `error`、または併記された別の番号で判断します。
"""

EFFECTS = {
    Effect.NONE: "unchanged / 変わらない",
    Effect.OWNER: "`reauthorization_required`",
    Effect.ADMIN: "`awaiting_admin`, tried once a day / 1 日 1 回確認",
    Effect.POLICY: "`blocked`, tried once a day / 1 日 1 回確認",
    Effect.CREDENTIAL: "unchanged; the broker pauses until the credential is replaced / "
    "変わらない (資格情報の更新まで待機)",
}
"""What a confirmed answer at the refresh leg makes of the connection."""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            INTRODUCTION,
            *_contents(),
            *_classes(),
            *_mute(),
            *_credentials(),
            *_google(),
            *_advertising(),
        ]
    )


def main(arguments: list[str]) -> int:
    """Exit status: 0 done or in step, 1 out of step, 2 wrong usage."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/troubleshooting.md is out of step: run make docs")
    return 1


def _contents() -> Iterator[str]:
    yield "## Contents / 目次\n"
    for kind in table().rules:
        yield f"- [{text(kind).title} / {text(kind, 'ja').title}](#{kind})"
    yield "- [Numbers that do not decide / 判断に使わない番号](#mute)"
    yield "- [Client credentials: AWS / クライアントの資格情報 (AWS)](#client-credentials)"
    yield "- [Google](#google)"
    yield "- [Microsoft Advertising](#microsoft-advertising)\n"


def _classes() -> Iterator[str]:
    for kind in table().rules:
        yield from _class("microsoft", kind, f"{kind}", "##")
        yield from _numbers(kind)


def _google() -> Iterator[str]:
    yield GOOGLE
    for kind in table("google").rules:
        yield from _class("google", kind, f"google-{kind}", "###")


def _class(provider: IdentityProvider, kind: Class, anchor: str, heading: str) -> Iterator[str]:
    """One class of answers: title, who acts, the connection's state, both texts, OAuth words."""
    rule = table(provider).rules[kind]
    english, japanese = (diagnosed(kind, None, language, provider) for language in ("en", "ja"))
    yield f'<a id="{anchor}"></a>\n'
    yield f"{heading} {english.title} / {japanese.title}\n"
    yield (
        f"`{rule.code}` · who acts / 対応する人: **{rule.actor}** · "
        f"the connection / 連携の状態: {EFFECTS[rule.effect]}\n"
    )
    yield from _told(english, japanese, provider.capitalize())
    yield from _readers(provider, kind, None, rule.actor)
    named = [f"`{word}`" for word in _named(provider, kind)]
    if named:
        yield f"OAuth: {', '.join(named)}\n"


def _readers(
    provider: IdentityProvider, kind: Class, number: int | None, actor: Actor
) -> Iterator[str]:
    """What each reader is told, side by side."""
    yield "| Reader / 読む人 | English | 日本語 |"
    yield "|---|---|---|"
    for reader in READERS:
        cells = [_page_text(provider, kind, number, reader, language) for language in LANGUAGES]
        if any(cells):
            yield f"| {reader} | {' | '.join(cells)} |"
    chores = [" ".join(readers.chores(kind, number, provider, language)) for language in LANGUAGES]
    if any(chores):
        yield f"| tenant_admin, in the owner's message / 依頼文 | {' | '.join(chores)} |"
    said = (readers.operators(actor, language) for language in LANGUAGES)
    yield f"| operator | {' | '.join(said)} |\n"


def _page_text(
    provider: IdentityProvider,
    kind: Class,
    number: int | None,
    reader: readers.Reader,
    language: Language,
) -> str:
    """On the page: what the diagnosis says to its reader, else the page of the problem's code."""
    said = readers.said(kind, number, provider, reader, language)
    if said:
        return f"**{said.title}.** {said.what} → {' '.join(said.remedy)}"
    ending = Ending("", reader=reader)
    page = ending.page_of(table(provider).rules[kind].code, kind)
    return f"**{words(language)['outcomes'][page]['title']}**"


def _named(provider: IdentityProvider, kind: Class) -> Iterator[str]:
    for word, entry in {**table(provider).errors, **table(provider).suberrors}.items():
        if entry.kind is kind or kind in entry.legs.values():
            yield word


def _told(english: Text, japanese: Text, of: str = "Microsoft") -> Iterator[str]:
    for said in (english, japanese):
        yield f"{said.what}\n"
        yield f"**→** {said.remedy} [{of}]({said.link})\n"


def _numbers(kind: Class) -> Iterator[str]:
    mine = {number: entry for number, entry in table().numbers.items() if entry.kind is kind}
    shared: dict[tuple[Text, Text], list[int]] = {}
    for number in mine:
        both = _own(number, "en"), _own(number, "ja")
        if both[0].key != kind:
            shared.setdefault(both, []).append(number)
    for (english, japanese), numbers in shared.items():
        heading = ", ".join(f"AADSTS{number}" for number in numbers)
        yield f"### {heading}: {english.title} / {japanese.title}\n"
        yield from _told(english, japanese)
    if mine:
        yield from _rows(mine)


def _own(number: int, language: Language) -> Text:
    """The text of a number; numbers that share one compare equal."""
    said = text(number, language)
    own = said.key.isdigit()
    return said._replace(key="number" if own else said.key, meaning="")


def _rows(entries: dict[int, Entry]) -> Iterator[str]:
    yield "| AADSTS | Microsoft's answer | Microsoft の応答 |"
    yield "|---|---|---|"
    yield from (_row(number, entry) for number, entry in entries.items())
    yield ""


def _row(number: int, entry: Entry) -> str:
    meaning = entry.meaning or {}
    return f"| {number} | {meaning['en']} | {meaning['ja']} |"


def _mute() -> Iterator[str]:
    yield MUTE
    yield from _rows({n: entry for n, entry in table().numbers.items() if entry.kind is None})


def _credentials() -> Iterator[str]:
    yield CREDENTIALS
    for name, finding in findings().items():
        yield f"### {name}\n"
        yield f"`{finding.code}` · {finding.kind} · who acts / 対応する人: **operator**\n"
        for language in LANGUAGES:
            yield f"{finding.what[language][:1].upper()}{finding.what[language][1:]}\n"
            yield f"**→** {finding.remedy[language]}\n"


def _advertising() -> Iterator[str]:
    yield ADVERTISING
    for symbol, entry in catalogue()["findings"].items():
        codes = ", ".join(str(code) for code in entry["codes"])
        english, japanese = told(symbol, "en"), told(symbol, "ja")
        yield f"### {f'{codes} ' if codes else ''}{symbol}: {english.title} / {japanese.title}\n"
        yield f"`{entry['problem']}` · who acts / 対応する人: **{entry['actor']}**\n"
        yield from _told(english, japanese)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
