"""The code, its tests and its documentation speak the field's language, not one of their own.

A few words had come to stand for whatever was cached, notified, requested or received here, and a reader
had to learn what each meant in each place.
They do not come back: neither as names or parts of names nor in prose.
"""

import io
import re
import subprocess
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "told": "notified, reported, received",
    "kept": "cached, stored, retained",
    "asked": "requested, queried",
    "said": "reported, declared, answered",
    "lookout": "collector, monitor",
    "patience": "timeout, retry policy",
    "papers": "documents",
    "manners": "robustness, protocol",
    "whoever": "a client, a user, an operator",
    "worths": "adjusted performances",
}
FORBIDDEN_AS_NAMES = {"words": "text, labels, messages", "door": "gateway, security"}
FROZEN = (
    "CHANGELOG.md",  # says what was renamed
    "openapi/released",  # what others rely on, as it was released
    "racing/database/migrations/versions/",  # what databases out there have gone through
    "tests/house/test_plain_words.py",
)
OUTSIDE = (
    # fields and values of the HTTP interface
    r"kept_at", r"last_kept", r"served_from_kept_at", r"kept artifact", r"log-not-kept", r"champion-not-kept",
    r"""\[["']kept["']\]""", r'"kept"(: \{|,$)', r"now\.kept", r"kept(: |=)KeptOut",
    r"kept\.error", r"`kept`", r"KeptOut\w*",
    # metrics, settings, files on disk, names of imports in databases
    r"log_kept(_total|_up)?", r"champion_is_kept_artifact", r"kept_champion_failed", r"kept_champion",
    r"KEPT_CHAMPION", r"kept\.json", r"told: (?=\{|'\))", r"``told``",
    # the client's former names, which it accepts with a warning
    r"\bPatience\b", r"patience(?=: RetryPolicy)", r"patience=", r"\bpatience, owns", r"patience is not None",
    r"argument patience", r"patience or retry_policy", r"`patience`", r"^    patience$",
)  # fmt: skip
"""What people use from outside, and which therefore stays: patterns that are passed over."""
SUFFIXES = {
    ".py",
    ".pyi",
    ".c",
    ".md",
    ".html",
    ".j2",
    ".toml",
    ".yml",
    ".yaml",
    ".css",
    ".js",
    ".sh",
    ".cfg",
    ".json",
}
_WORD = re.compile(
    r"(?<![A-Za-z])("
    + "|".join(f"{word}|{word.capitalize()}|{word.upper()}" for word in FORBIDDEN)
    + r")(?![a-z])"
)
_NAME = re.compile(
    r"(?<![A-Za-z])("
    + "|".join(f"{word}|{word.capitalize()}|{word.upper()}" for word in FORBIDDEN_AS_NAMES)
    + r")(?![a-z])"
)


def files() -> list[str]:
    """Return the tracked text files that the rule is for."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        name
        for name in tracked.stdout.splitlines()
        if Path(name).suffix in SUFFIXES or Path(name).name in ("Makefile", "Dockerfile")
        if not name.startswith(FROZEN) and (ROOT / name).is_file()
    ]


def private_words(name: str, text: str) -> list[str]:
    """Return each line of a file that has a word of the private language, with what to write instead."""
    for outside in OUTSIDE:
        text = re.sub(outside, "", text, flags=re.MULTILINE)
    found = [
        f"{name}:{number}: {word!r} (rather: {FORBIDDEN[word.lower()]}): {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), 1)
        for word in _WORD.findall(line)
    ]
    if name.endswith(".py"):
        found += [
            f"{name}:{token.start[0]}: {word!r} (rather: {FORBIDDEN_AS_NAMES[word.lower()]}): {token.string}"
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.NAME
            for word in _NAME.findall(token.string)
        ]
    return found


def test_no_private_word_is_in_code_tests_or_documentation() -> None:
    found = [
        line for name in files() for line in private_words(name, (ROOT / name).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_private_word_is_found_as_a_name_as_part_of_one_and_in_prose() -> None:
    text = "class KeptModel: ...\n# whoever asked\nn_told = 1\ndoor = keep(1)\n"
    assert [line.split(" (")[0] for line in private_words("a.py", text)] == [
        "a.py:1: 'Kept'",
        "a.py:2: 'whoever'",
        "a.py:2: 'asked'",
        "a.py:3: 'told'",
        "a.py:4: 'door'",
    ]
    assert private_words("a.md", "Keep what you ask for in other words, masked, by the door.") == []
