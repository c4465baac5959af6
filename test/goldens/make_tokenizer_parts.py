"""Writes what Hugging Face's tokenizers (0.23.3) makes of texts and tokens, part by part.

pre_tokenizers.json, normalizers.json and decoders.json of test/goldens/tokenizers. Needs `pip install tokenizers`.
"""

import json
from pathlib import Path

from tokenizers import Regex, decoders, normalizers, pre_tokenizers

FOLDER = Path(__file__).parent / "tokenizers"
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]


def settings(part):
    """The part as tokenizer.json has it."""
    return json.loads(part.__getstate__())


def write(name, **golden):
    text = json.dumps(golden, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def write_pre_tokenizers():
    p = pre_tokenizers
    texts = ["Hello  world, it's 12 o'clock!", "a<m>b ²½٣ x", "  ▁ two", "", "日本、語 x\u0085y\ufeffz", "--a--"]
    parts = []
    for behavior in BEHAVIORS:
        for invert in [False, True]:
            parts.append(p.Split(" ", behavior, invert=invert))
            parts.append(p.Split(Regex("[a-z]+|-"), behavior, invert=invert))
        parts.append(p.Punctuation(behavior))
    parts += [
        p.Digits(True),
        p.Digits(False),
        p.Whitespace(),
        p.WhitespaceSplit(),
        p.BertPreTokenizer(),
        p.CharDelimiterSplit("-"),
        p.FixedLength(3),
        p.Metaspace(),
        p.Metaspace(prepend_scheme="never"),
        p.Metaspace(prepend_scheme="first", split=False),
        p.Metaspace(replacement="_"),
        p.ByteLevel(),
        p.ByteLevel(add_prefix_space=False, use_regex=False),
        p.ByteLevel(add_prefix_space=False),
        p.Sequence([p.Digits(True), p.Metaspace(prepend_scheme="first")]),
        p.Sequence(
            [
                p.Split(Regex("\\s+"), "isolated"),
                p.Punctuation("contiguous"),
                p.ByteLevel(add_prefix_space=True, use_regex=False),
            ]
        ),
    ]
    words = lambda part, text: [word for word, _ in part.pre_tokenize_str(text)]
    cases = [{"settings": settings(part), "words": [words(part, text) for text in texts]} for part in parts]
    write("pre_tokenizers", texts=texts, cases=cases)


def write_normalizers():
    n = normalizers
    texts = [
        "",
        "ΑΣ İstanbul ẞ Ǆ",
        "\ufeff a\u0085",
        "\u3000 cafe\u0301 É \ufeff",
        "\t中文\U0002b820\U0002b920x\u0000\u00ad\u200d\ufffd\u0007\u000c",
        "naïve हिन्दी 각",
        "aba ﬁ ½ Ａ▁",
    ]
    parts = [n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.StripAccents(), n.Nmt()]
    parts += [n.Strip(), n.Strip(right=False), n.Strip(left=False), n.Prepend("▁")]
    parts += [n.Replace("a", "$&$1"), n.Replace(Regex("[ab]+"), ""), n.Replace(Regex("\\s+"), "▁")]
    parts += [
        n.BertNormalizer(),
        n.BertNormalizer(lowercase=False),
        n.BertNormalizer(strip_accents=False),
        n.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
        n.BertNormalizer(handle_chinese_chars=False, lowercase=False),
        n.BertNormalizer(clean_text=False, lowercase=False),
        n.Sequence([n.Strip(), n.Sequence([n.Prepend("x"), n.Lowercase()])]),
        n.Sequence([]),
    ]
    cases = [
        {"settings": settings(part), "normalized": [part.normalize_str(text) for text in texts]} for part in parts
    ]
    write("normalizers", texts=texts, cases=cases)


def write_decoders():
    d = decoders
    rows = [
        [],
        ["▁▁a", "b▁", "▁", "_c"],
        ["Ġhello", "Ã", "©", "é", "a b", "中", "ï»¿", "Ã"],
        ["<0xC3>", "<0xa9>", "x", "<0xEF>", "<0xBB>", "<0xBF>", "<0xE4>", "<0x41>", "<0xFF>", "<0xFF>", "<0xG0>"],
        ["##play", "##ing", ".", "do", "n't", "##a##b", " do not", "'s"],
        ["a", "a", "x", "a", "aa", "|", "b", "b", " n't", "|"],
        ["  a  ", "a", "aaa"],
        ["low</w>", "er</w>x", "end</w>"],
    ]
    parts = [d.ByteLevel(), d.ByteFallback(), d.Fuse(), d.WordPiece(), d.WordPiece(prefix="▁", cleanup=False)]
    parts += [d.Metaspace(prepend_scheme=scheme) for scheme in ["always", "first", "never"]]
    parts += [d.Metaspace(replacement="_"), d.BPEDecoder(), d.Replace("a", "$&"), d.Replace(Regex("[ab]+"), "")]
    parts += [d.CTC("a", "|"), d.CTC("x", "|", cleanup=False), d.Strip(" ", 1, 0), d.Strip(" ", 1, 1)]
    # Strip panics where it would take a whole token from both ends, so no row has such a one.
    parts += [d.Strip("a", 2, 0), d.Strip("a", 0, 1)]
    parts += [
        d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]),
        d.Sequence([d.ByteFallback(), d.CTC("a", "|")]),
        d.Sequence([d.ByteLevel(), d.Metaspace()]),
    ]
    cases = [{"settings": settings(part), "texts": [part.decode(row) for row in rows]} for part in parts]
    write("decoders", rows=rows, cases=cases)


if __name__ == "__main__":
    write_pre_tokenizers()
    write_normalizers()
    write_decoders()
