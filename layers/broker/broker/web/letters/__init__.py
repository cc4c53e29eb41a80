"""The mails an owner or an administrator gets, in English and Japanese.

Pure: values in, subject, text and HTML out. Texts are data (``texts.json``), read on first use.
"""
