"""Makes Fusewire's reference ("golden") data from Hugging Face transformers.

    python make_goldens.py OUT_DIR                 # the set that the tests use
    python make_goldens.py OUT_DIR --heldout       # other seeds and other shapes
    python make_goldens.py OUT_DIR --only models,memory

Everything is made on a CPU with one thread from fixed seeds. Each claim that the README makes
about the data is asserted here, so a run that ends has checked it.

Needs: torch, transformers, tokenizers, safetensors, accelerate, gguf, bitsandbytes, optimum-quanto,
peft. Used for cross-checks where they can be imported: autoawq, auto-gptq, gptqmodel, aqlm.
"""
import argparse
import contextlib
import copy
import importlib.metadata
import importlib.util
import itertools
import json
import math
import os
import shutil
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
warnings.filterwarnings("ignore")

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, StaticCache
from transformers.utils import logging as hf_logging

hf_logging.set_verbosity_error()
hf_logging.disable_progress_bar()
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True, warn_only=True)

HELDOUT = False
SEED = 0
OUT = Path(".")
CORPUS = Path("tinystories_val.txt")

MIN_MARGIN = 1e-3  # every greedy choice in this data beats the runner-up by more than this


# ---------------------------------------------------------------- small helpers

def is_flat(value):
    """True for a list that reads best on one line."""
    return isinstance(value, list) and all(not isinstance(v, (list, dict)) for v in value)


def to_json(value, indent=0):
    pad, inner = " " * indent, " " * (indent + 1)
    if isinstance(value, dict):
        if not value:
            return "{}"
        rows = [f"{inner}{json.dumps(str(k), ensure_ascii=False)}: {to_json(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + pad + "}"
    if isinstance(value, (list, tuple)):
        value = list(value)
        if not value:
            return "[]"
        if is_flat(value) or (all(is_flat(v) for v in value) and len(json.dumps(value)) < 160):
            return "[" + ", ".join(to_json(v) for v in value) + "]"
        return "[\n" + ",\n".join(inner + to_json(v, indent + 1) for v in value) + "\n" + pad + "]"
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return to_json(value.tolist(), indent)
    if isinstance(value, (np.integer, np.floating)):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        value = "inf" if value > 0 else "-inf"
    assert not (isinstance(value, float) and math.isnan(value))
    return json.dumps(value, ensure_ascii=False)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = to_json(value) + "\n"
    json.loads(text)
    path.write_text(text, encoding="utf-8")


def write_tensors(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path)


def fresh_dir(*parts):
    path = OUT.joinpath(*parts)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def rng(offset):
    return torch.Generator().manual_seed(SEED + offset)


def close(a, b, tol, what=""):
    worst = (a.double() - b.double()).abs().max().item()
    assert worst <= tol, f"{what}: worst difference {worst} > {tol}"
    return worst


def pick(normal, heldout):
    return heldout if HELDOUT else normal


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def module_from_file(package, relative):
    """Loads one file of an installed package without running the package's own __init__."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    path = Path(spec.submodule_search_locations[0]) / relative
    file_spec = importlib.util.spec_from_file_location("ref_" + path.stem, path)
    module = importlib.util.module_from_spec(file_spec)
    file_spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def eos_disabled(model):
    saved = model.generation_config
    model.generation_config = GenerationConfig(pad_token_id=saved.pad_token_id, bos_token_id=saved.bos_token_id)
    try:
        yield
    finally:
        model.generation_config = saved


def init_weights(model, seed, gain=1.0, embed_std=0.12, head_std=0.2):
    """Random weights that are large enough for well separated logits."""
    g = torch.Generator().manual_seed(seed)
    gemma = "gemma" in model.config.model_type
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=g)
            if "embed" in name and p.ndim == 2:
                p.copy_(noise * embed_std)
            elif name.startswith("lm_head"):
                p.copy_(noise * head_std)
            elif p.ndim == 2:
                p.copy_(noise * gain / math.sqrt(p.shape[1]))
            elif "norm" in name and name.endswith("weight"):
                p.copy_(noise * 0.1 + (0.0 if gemma else 1.0))
            else:
                p.copy_(noise * 0.1)
    model.eval()
    return model


def margins_of(logits):
    top = logits.float().topk(2, dim=-1).values
    return (top[..., 0] - top[..., 1])


def left_pad(rows, pad):
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(r)) + r for r in rows])
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])
    positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 0)
    return ids, mask, positions


# ---------------------------------------------------------------- 1a. tokenizers

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "{{ '<|im_start|>assistant\n' }}{% generation %}{{ message['content'] | trim + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% elif message['role'] in ['system', 'user'] %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>\n' }}"
    "{% else %}{{ raise_exception('Unknown role ' + message['role']) }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def corpus_lines():
    lines = [line for line in CORPUS.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("<|")]
    return lines[200:500] if HELDOUT else lines[:300]


def train_byte_level(vocab_size, llama3):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tok = Tokenizer(models.BPE(ignore_merges=llama3))
    if llama3:
        tok.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])
    else:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    specials = ["<|pad|>", "<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(corpus_lines(), trainer)
    if llama3:
        bos = tok.token_to_id("<|begin_of_text|>")
        tok.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|begin_of_text|> $A",
                                          pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                          special_tokens=[("<|begin_of_text|>", bos)]),
        ])
    else:
        tok.post_processor = processors.ByteLevel(trim_offsets=False)
    assert tok.get_vocab_size() == vocab_size
    return tok


def train_llama2_bpe(vocab_size):
    """A Llama-2 style tokenizer.json: BPE with byte fallback, spaces written as U+2581 by the normalizer."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    source = Tokenizer(models.BPE())
    source.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    source.train_from_iterator(corpus_lines(), trainers.BpeTrainer(vocab_size=vocab_size - 259, show_progress=False))
    learned = json.loads(source.to_str())["model"]
    vocab = {t: i for i, t in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)])}
    for token in sorted(learned["vocab"], key=learned["vocab"].get):
        vocab[token] = len(vocab)
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in learned["merges"]]
    tok = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tok.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                       special_tokens=[("<s>", 1)])
    tok.add_special_tokens(["<unk>", "<s>", "</s>"])
    assert len(vocab) == vocab_size
    return tok


def train_unigram(vocab_size):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    source = Tokenizer(models.Unigram())
    source.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first")
    source.train_from_iterator(corpus_lines(), trainers.UnigramTrainer(
        vocab_size=vocab_size - 259, show_progress=False, unk_token="<unk>", special_tokens=["<unk>"]))
    pieces = [tuple(p) for p in json.loads(source.to_str())["model"]["vocab"] if p[0] != "<unk>"]
    head = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)] + [(f"<0x{b:02X}>", 0.0) for b in range(256)]
    tok = Tokenizer(models.Unigram(head + pieces, 0, True))
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first")
    tok.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B:1 </s>:1",
                                                       special_tokens=[("</s>", 2)])
    tok.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tok


def wrap_tokenizer(tok, directory, **special):
    """Writes tokenizer.json and tokenizer_config.json the way hub checkpoints have them and reloads them."""
    from transformers import PreTrainedTokenizerFast

    directory.mkdir(parents=True, exist_ok=True)
    template = special.pop("chat_template", None)
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, clean_up_tokenization_spaces=False, model_max_length=512,
                                   padding_side="left", **special)
    if template:
        fast.chat_template = template
    fast.save_pretrained(directory, save_jinja_files=False)
    config = json.loads((directory / "tokenizer_config.json").read_text())
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    config.pop("backend", None)
    if template:
        config["chat_template"] = template
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    reloaded = AutoTokenizer.from_pretrained(directory)
    assert reloaded.chat_template == template
    return reloaded


TEXTS = [
    "", " ", "  ", "a", "Hello world", " Hello world", "  two leading spaces", "trailing space ", "double  space",
    "Once upon a time, there was a little girl named Lily.", "line one\nline two\n\nline four\r\nfive\ttab",
    "it's, they'll, WE'RE, don't; I'd've", "12345 3.14159 1,000,000", "caf\u00e9 na\u00efve \u00fcber \u00df",
    "e\u0301 combining vs \u00e9 composed", "\u4f60\u597d\uff0c\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155\ud558\uc138\uc694",
    "\u0645\u0631\u062d\u0628\u0627", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f1eb\U0001f1f7", "\u200bzero width", "\u00a0nbsp\u00a0x",
    "def f(x):\n    return x ** 2  # code", "<html><b>&amp;</b></html>", "\u2581 lower one eighth block", "\u2581", "<0x41>",
    "a" * 40, "\n", "\n\n\n", "\t\t", "...!?--'\"", "\u2028line separator", "\ufeffbom", "\x00nul\x07bell",
    "\ufb01 ligature \u2460 \u00bd \u2163", "\u0130stanbul \u0131 \u01c5", "1\u0660\u0967 digits",
]


def tokenizer_cases(tok, specials, heldout_texts):
    texts = TEXTS + [f"{s}text{s} more {s}" for s in specials] + ["".join(specials), " " + specials[0] + " x"] + heldout_texts
    rows = []
    for text in texts:
        row = {"text": text}
        for key, flag in (("ids", False), ("ids_with_special", True)):
            enc = tok(text, add_special_tokens=flag, return_offsets_mapping=True)
            row[key] = enc["input_ids"]
            if key == "ids":
                row["tokens"] = tok.convert_ids_to_tokens(enc["input_ids"])
                row["offsets"] = [list(o) for o in enc["offset_mapping"]]
        row["decoded"] = tok.decode(row["ids_with_special"])
        row["decoded_skip_special"] = tok.decode(row["ids_with_special"], skip_special_tokens=True)
        row["decoded_no_special"] = tok.decode(row["ids"])
        rows.append(row)
    return rows


def streaming_cases(tok, texts):
    """What TextStreamer prints after each token, and the plain decode of each prefix."""
    from transformers import TextStreamer

    class Recorder(TextStreamer):
        def on_finalized_text(self, text, stream_end=False):
            self.chunks.append(text)

    rows = []
    for text in texts:
        ids = tok(text, add_special_tokens=True)["input_ids"]
        streamer = Recorder(tok, skip_special_tokens=True)
        pieces = []
        for token in ids:
            streamer.chunks = []
            streamer.put(torch.tensor([token]))
            pieces.append("".join(streamer.chunks))
        streamer.chunks = []
        streamer.end()
        rows.append({"text": text, "ids": ids, "streamed": pieces, "flushed_at_end": "".join(streamer.chunks),
                     "prefixes": [tok.decode(ids[: i + 1], skip_special_tokens=True) for i in range(len(ids))]})
        rows[-1]["lossless"] = "".join(pieces) + rows[-1]["flushed_at_end"] == rows[-1]["prefixes"][-1]
    assert any(row["lossless"] for row in rows)
    return rows


def padding_cases(tok):
    texts = ["Once upon a time", "Lily", "", "They saw a big dog and a small cat in the park.", "Hi \U0001f600"]
    rows = []
    options = [
        dict(padding=True), dict(padding="longest", pad_to_multiple_of=8), dict(padding="max_length", max_length=24),
        dict(padding="max_length", max_length=20, truncation=True), dict(padding=True, pad_to_multiple_of=16),
        dict(truncation=True, max_length=6), dict(padding=True, truncation=True, max_length=8, pad_to_multiple_of=8),
        dict(padding=True, add_special_tokens=False),
    ]
    for side, trunc in itertools.product(("left", "right"), ("left", "right")):
        tok.padding_side, tok.truncation_side = side, trunc
        for opts in options:
            if trunc == "left" and not opts.get("truncation"):
                continue
            enc = tok(texts, **opts)
            rows.append({"padding_side": side, "truncation_side": trunc, "options": opts,
                         "input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"]})
    tok.padding_side, tok.truncation_side = "left", "right"
    bad = dict(padding=True, truncation=True, max_length=5, pad_to_multiple_of=8)
    try:
        tok(texts, **bad)
        raise AssertionError("expected an error")
    except ValueError as error:
        raises = {"options": bad, "message": str(error)}
    return {"texts": texts, "cases": rows, "raises": raises}


def chat_cases(tok):
    user = {"role": "user", "content": "Tell me a story about a dog."}
    system = {"role": "system", "content": "You are a kind storyteller."}
    reply = {"role": "assistant", "content": "Once there was a dog named Max.\nHe was happy."}
    more = {"role": "user", "content": "  And then? \U0001f436 "}
    reply2 = {"role": "assistant", "content": " He found a ball. "}
    prefill = {"role": "assistant", "content": "Max ran to the"}
    conversations = {"user": [user], "system_user": [system, user], "one_turn": [user, reply],
                     "two_turns": [system, user, reply, more, reply2], "open": [system, user, reply, more],
                     "prefill": [user, prefill]}
    rows = []
    for name, messages in conversations.items():
        for opts in (dict(), dict(add_generation_prompt=True), dict(continue_final_message=True),
                     dict(return_assistant_tokens_mask=True)):
            if opts.get("continue_final_message") and messages[-1]["role"] != "assistant":
                continue
            if opts.get("add_generation_prompt") and messages[-1]["role"] == "assistant":
                continue
            plain = {k: v for k, v in opts.items() if k != "return_assistant_tokens_mask"}
            text = tok.apply_chat_template(messages, tokenize=False, **plain)
            enc = tok.apply_chat_template(messages, tokenize=True, return_dict=True, **opts)
            row = {"conversation": name, "messages": messages, "options": opts, "text": text,
                   "input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"]}
            if "return_assistant_tokens_mask" in opts:
                row["assistant_masks"] = enc["assistant_masks"]
                inside = [i for i, m in zip(enc["input_ids"], enc["assistant_masks"]) if m]
                assert bool(inside) == any(m["role"] == "assistant" for m in messages)
                row["assistant_text"] = tok.decode(inside)
            assert enc["input_ids"] == tok(text, add_special_tokens=False)["input_ids"]
            rows.append(row)
    return {"conversations": list(conversations), "cases": rows,
            "raises": {"messages": [{"role": "tool", "content": "x"}], "message_contains": "Unknown role"}}


def chat_tokenizer(directory):
    return wrap_tokenizer(train_byte_level(pick(384, 352), llama3=False), directory,
                          bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>", pad_token="<|pad|>",
                          additional_special_tokens=["<|im_start|>", "<|im_end|>"], chat_template=CHAT_TEMPLATE)


def make_tokenizers():
    fresh_dir("tokenizers")
    stream_texts = ["Once upon a time, there was a girl.\nShe had a dog", "\u4f60\u597d, \u4e16\u754c ok",
                    "caf\u00e9 \U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467.", "no-space-token!", "a\n\nb \n c"]
    lines = corpus_lines()
    extra = lines[3:5] + pick([], ["\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439 \u043c\u0438\u0440", "\U0001f9d1\U0001f3fd\u200d\U0001f680 \u2764\ufe0f", "x" * 17 + " " * 5 + "\n \n"])
    byte_specials = ["<|im_start|>", "<|end_of_text|>"]
    sets = {
        "byte-level-bpe": (chat_tokenizer(OUT / "tokenizers" / "byte-level-bpe"), byte_specials),
        "llama3-bpe": (wrap_tokenizer(train_byte_level(pick(400, 368), llama3=True), OUT / "tokenizers" / "llama3-bpe",
                                      bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>", pad_token="<|pad|>",
                                      additional_special_tokens=["<|im_start|>", "<|im_end|>"]), byte_specials),
        "llama2-bpe": (wrap_tokenizer(train_llama2_bpe(pick(480, 448)), OUT / "tokenizers" / "llama2-bpe",
                                      unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"), ["<s>", "</s>"]),
        "unigram": (wrap_tokenizer(train_unigram(pick(480, 448)), OUT / "tokenizers" / "unigram",
                                   unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<unk>"), ["<s>", "</s>"]),
    }
    for name, (tok, specials) in sets.items():
        expected = {"vocab_size": len(tok), "encode": tokenizer_cases(tok, specials, extra),
                    "streaming": streaming_cases(tok, stream_texts), "padding": padding_cases(tok)}
        if tok.chat_template:
            expected["chat"] = chat_cases(tok)
        for row in expected["encode"]:
            if name in ("byte-level-bpe", "llama3-bpe"):
                assert row["decoded_no_special"] == row["text"], row["text"]
        write_json(OUT / "tokenizers" / name / "expected.json", expected)


# ---------------------------------------------------------------- 1b. models

def model_specs():
    """name -> (config, options). Options: dtype, shard, legacy (config.json as v4 wrote it), eager, tokenizer."""
    from transformers import Gemma2Config, GemmaConfig, LlamaConfig, MistralConfig, OPTConfig, Qwen2Config

    h = HELDOUT
    special = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    base = dict(hidden_size=40 if h else 64, intermediate_size=72 if h else 112, num_hidden_layers=3 if h else 2,
                num_attention_heads=5 if h else 4, num_key_value_heads=1 if h else 2, vocab_size=272 if h else 320,
                max_position_embeddings=128, tie_word_embeddings=False, **special)
    head_dim = 8 if h else 16
    llama = lambda **kw: LlamaConfig(**{**base, **kw})
    mistral = lambda **kw: MistralConfig(**{**base, "head_dim": head_dim, **kw})
    rope3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                 original_max_position_embeddings=64 if not h else 32)
    return {
        "llama": (llama(vocab_size=352 if h else 384), dict(tokenizer=True)),
        "llama-rope-llama3": (llama(rope_parameters=rope3), {}),
        "llama-rope-linear": (llama(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=3.0 if h else 2.0)), dict(legacy=True)),
        "llama-bf16": (llama(), dict(dtype="bfloat16", legacy=True)),
        "llama-sharded": (llama(), dict(shard="60KB" if h else "100KB")),
        "llama-bias": (llama(attention_bias=True, mlp_bias=True), {}),
        "llama-head-dim": (llama(head_dim=16 if h else 24), {}),
        "smollm": (llama(hidden_size=48, intermediate_size=80, num_attention_heads=3, num_key_value_heads=1, num_hidden_layers=3,
                         tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=100000.0),
                         vocab_size=304 if h else 320), {}),
        "mistral-window": (mistral(sliding_window=6 if h else 8), dict(legacy=True)),
        "mistral-full": (mistral(sliding_window=None, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)), {}),
        "gemma": (GemmaConfig(hidden_size=48 if not h else 32, intermediate_size=96, num_hidden_layers=2 if not h else 3,
                              num_attention_heads=4 if not h else 3, num_key_value_heads=1, head_dim=16, vocab_size=320 if not h else 288,
                              max_position_embeddings=128, tie_word_embeddings=True, pad_token_id=0, bos_token_id=2, eos_token_id=1), dict(legacy=True, gain=2.0, embed_std=0.08, final_norm=1.5)),
        "gemma2": (Gemma2Config(hidden_size=48, intermediate_size=96, num_hidden_layers=2 if not h else 4, num_attention_heads=4,
                                num_key_value_heads=2, head_dim=16, vocab_size=320, max_position_embeddings=128,
                                query_pre_attn_scalar=24 if not h else 20, sliding_window=8 if not h else 6, attn_logit_softcapping=5.0 if h else 8.0,
                                final_logit_softcapping=6.0 if h else 10.0, tie_word_embeddings=True, pad_token_id=0, bos_token_id=2, eos_token_id=1),
                   dict(eager=True, embed_std=0.12, gain=2.5, post_norm=1.5, variety=6)),
        "opt": (OPTConfig(hidden_size=48, ffn_dim=96, num_hidden_layers=2, num_attention_heads=4, vocab_size=320 if not h else 272,
                          max_position_embeddings=96, word_embed_proj_dim=48, do_layer_norm_before=True, dropout=0.0,
                          pad_token_id=1, bos_token_id=2, eos_token_id=2), dict(legacy=True)),
        "opt-350m-like": (OPTConfig(hidden_size=48, ffn_dim=96, num_hidden_layers=2 if not h else 3, num_attention_heads=4, vocab_size=320,
                                    max_position_embeddings=96, word_embed_proj_dim=32 if not h else 24, do_layer_norm_before=False, dropout=0.0,
                                    pad_token_id=1, bos_token_id=2, eos_token_id=2), dict(embed_std=0.5, variety=4)),
        "qwen2": (Qwen2Config(**{**base, "pad_token_id": 0}, use_sliding_window=False), {}),
    }


def legacy_config(config):
    """config.json as transformers v4 wrote it: rope_theta and rope_scaling apart, torch_dtype."""
    config = dict(config)
    rope = config.pop("rope_parameters", None)
    if rope:
        config["rope_theta"] = rope.pop("rope_theta", 10000.0)
        kind = rope.pop("rope_type", "default")
        config["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    config["torch_dtype"] = config.pop("dtype", "float32")
    config.pop("layer_types", None)
    config["transformers_version"] = "4.38.0"
    return config


def save_model(model, directory, shard=None, legacy=False):
    model.save_pretrained(directory, **({"max_shard_size": shard} if shard else {}))
    if shard:
        files = sorted(p.name for p in directory.glob("model-*.safetensors"))
        assert len(files) > 2 and (directory / "model.safetensors.index.json").exists()
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config.pop("_name_or_path", None)
    if legacy:
        config = legacy_config(config)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def greedy(model, ids, mask, steps, static=False, **extra):
    with eos_disabled(model), torch.no_grad():
        return model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=steps, do_sample=False,
                              return_dict_in_generate=True, output_logits=True,
                              **({"cache_implementation": "static"} if static else {}), **extra)


def packed_real(logits, mask):
    """The rows of [batch, seq, ...] at positions whose mask is 1, in row-major order."""
    return logits[mask.bool()]


def model_goldens(model, steps=24, prompt_seed=0, hidden=True):
    """The expected values for one model. Returns (json part, tensors, smallest margin, most repetitive row)."""
    vocab = model.config.vocab_size
    g = rng(7000 + prompt_seed)
    draw = lambda n: torch.randint(5, vocab, (n,), generator=g).tolist()
    pad = model.config.pad_token_id
    first = pick(12, 11)
    batch = torch.tensor([draw(first), draw(first)])
    lengths = pick([5, 9, 14], [13, 4, 8])
    rows = [draw(n) for n in lengths]
    ids, mask, positions = left_pad(rows, pad)
    tensors = {}
    with torch.no_grad():
        out = model(batch, output_hidden_states=hidden, use_cache=True)
        tensors["batch.logits"] = out.logits
        if hidden:
            for i, h in enumerate(out.hidden_states):
                tensors[f"batch.hidden_states.{i}"] = h
        next_ids = out.logits[:, -1].argmax(-1, keepdim=True)
        step = model(next_ids, past_key_values=out.past_key_values, use_cache=True)
        tensors["batch.decode_logits"] = step.logits[:, 0]
        whole = model(torch.cat([batch, next_ids], 1)).logits
        close(step.logits[:, 0], whole[:, -1], 2e-4, "decode step against whole forward")
        cache = StaticCache(model.config, max_cache_len=first + 6)
        static_out = model(batch, past_key_values=cache).logits
        close(static_out, out.logits, 2e-4, "static cache prefill")
        static_step = model(next_ids, past_key_values=cache).logits
        close(static_step, step.logits, 2e-4, "static cache decode")

        padded = model(ids, attention_mask=mask, position_ids=positions).logits
        tensors["left_padded.logits"] = packed_real(padded, mask)
        for i, row in enumerate(rows):
            alone = model(torch.tensor([row])).logits[0]
            close(padded[i, -len(row):], alone, 3e-4, "padded row against the row alone")
    dynamic = greedy(model, ids, mask, steps)
    static = greedy(model, ids, mask, steps, static=True)
    assert isinstance(static.past_key_values, StaticCache) and not isinstance(dynamic.past_key_values, StaticCache)
    logits = torch.stack(dynamic.logits, 1)
    static_logits = torch.stack(static.logits, 1)
    margin = torch.minimum(margins_of(logits), margins_of(static_logits))
    new = dynamic.sequences[:, ids.shape[1]:]
    same = torch.equal(dynamic.sequences, static.sequences)
    assert new.shape[1] == steps and torch.equal(new, logits.argmax(-1))
    tensors["greedy.logits"] = logits
    info = {
        "batch": {"input_ids": batch.tolist(), "decode_input_ids": next_ids[:, 0].tolist()},
        "left_padded": {"input_ids": ids.tolist(), "attention_mask": mask.tolist(), "position_ids": positions.tolist(),
                        "lengths": lengths, "pad_token_id": pad},
        "greedy": {"prompt": "left_padded", "max_new_tokens": steps, "eos": "disabled", "new_tokens": new.tolist(),
                   "margins": [[round(x, 5) for x in r] for r in margin.tolist()], "min_margin": margin.min().item()},
    }
    variety = min(len(set(r)) for r in new.tolist())
    return info, tensors, margin.min().item(), variety, same


def well_posed(build, model_seed, steps=24, hidden=True, min_variety=8):
    """Tries seeds until every greedy choice has a clear winner and the text is not one loop."""
    for attempt in range(80):
        model = build(SEED + model_seed + 100 * attempt)
        info, tensors, margin, variety, same = model_goldens(model, steps, model_seed + attempt, hidden)
        if margin > 2 * MIN_MARGIN and variety >= min_variety and same:
            info["weight_seed"] = SEED + model_seed + 100 * attempt
            return model, info, tensors
    raise AssertionError(f"no well-posed seed found for {model.config.model_type}")


def build_model(config, options):
    def build(seed):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(copy.deepcopy(config), attn_implementation="eager" if options.get("eager") else "sdpa")
        model = init_weights(model, seed, gain=options.get("gain", 1.6 if "opt" in config.model_type else 1.3), embed_std=options.get("embed_std", 0.12))
        for name, p in model.named_parameters():
            if ".post_" in name and "post_norm" in options:  # gemma2 norms each branch: let them outweigh the embedding
                p.data += options["post_norm"]
            if name == "model.norm.weight":
                p.data += options.get("final_norm", 0.0)
        if options.get("dtype") == "bfloat16":  # the values that a bf16 file can hold, computed on in f32
            for p in model.parameters():  # not model.to(): that would round the rotary buffers too
                p.data = p.data.to(torch.bfloat16).to(torch.float32)
        return model
    return build


def make_models():
    fresh_dir("models")
    for index, (name, (config, options)) in enumerate(model_specs().items()):
        directory = fresh_dir("models", name)
        model, info, tensors = well_posed(build_model(config, options), 10 + index, min_variety=options.get("variety", 8))
        info = {"model": name, "attn_implementation": model.config._attn_implementation,
                "compute_dtype": "float32", "weights_dtype": options.get("dtype", "float32"),
                "parameters": sum(p.numel() for p in model.parameters()), **info}
        if options.get("dtype"):
            save_model(copy.deepcopy(model).to(torch.bfloat16), directory, legacy=options.get("legacy", False))
            low = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).eval()
            with torch.no_grad():
                tensors["batch.logits_bf16_compute"] = low(torch.tensor(info["batch"]["input_ids"])).logits.float()
        else:
            save_model(model, directory, options.get("shard"), options.get("legacy", False))
        if options.get("tokenizer"):
            tok = chat_tokenizer(directory)
            assert len(tok) == model.config.vocab_size
        info["config_style"] = "transformers v4" if options.get("legacy") else "transformers v5"
        reloaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation=info["attn_implementation"]).eval()
        with torch.no_grad():
            again = reloaded(torch.tensor(info["batch"]["input_ids"])).logits
            eager = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
            other = eager(torch.tensor(info["batch"]["input_ids"])).logits
        close(again, tensors["batch.logits"], 0.0 if not options.get("legacy") else 1e-6, "reloaded " + name)
        close(other, tensors["batch.logits"], 3e-4, "eager attention " + name)
        if name == "mistral-window":
            wide = copy.deepcopy(reloaded.config)
            wide.sliding_window = None
            full = AutoModelForCausalLM.from_pretrained(directory, config=wide, dtype=torch.float32).eval()
            with torch.no_grad():
                far = full(torch.tensor(info["batch"]["input_ids"])).logits
            assert (far[:, -1] - again[:, -1]).abs().max() > 0.05, "the window must matter"
        write_json(directory / "expected.json", info)
        write_tensors(directory / "expected.safetensors", tensors)


# ---------------------------------------------------------------- 2. logits processors

def make_processors():
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.generation import logits_process as lp

    directory = fresh_dir("processors")
    vocab, rows, length = pick((64, 4, 14), (48, 5, 11))
    g = rng(200)
    scores = torch.randn(rows, vocab, generator=g) * 2.5
    peaked = torch.randn(rows, vocab, generator=g) * 6
    ties = (torch.randn(rows, vocab, generator=g) * 2).round() / 2  # many equal scores
    flat = torch.randn(rows, vocab, generator=g) * 0.05
    ids = torch.randint(0, vocab, (rows, length), generator=g)
    ids[0, -3:] = ids[0, 2:5]        # a repeated trigram
    ids[1, -1] = ids[1, 0]
    ids[2] = ids[2, 0]               # one token over and over
    ids[3, -2:] = torch.tensor([7, 9])
    one = ids[:, :1].clone()
    inputs = {"scores": scores, "peaked": peaked, "ties": ties, "flat": flat}
    tensors = {f"input.{k}": v for k, v in inputs.items()}
    cases = []

    def add(name, cls, kwargs, on=("scores",), input_ids=ids, note=None):
        for key in on:
            processor = getattr(lp, cls)(**kwargs)
            out = processor(input_ids.clone(), inputs[key].clone())
            assert out.shape == inputs[key].shape and not torch.isnan(out).any()
            case = f"{name}.{key}"
            assert f"output.{case}" not in tensors, case
            tensors[f"output.{case}"] = out
            shown = {k: v.tolist() if isinstance(v, torch.Tensor) else ([[list(s), b] for s, b in v.items()] if isinstance(v, dict) else v)
                     for k, v in kwargs.items()}
            cases.append({"case": case, "class": cls, "arguments": shown, "scores": key, "input_ids": "input_ids" if input_ids is ids else input_ids.tolist(),
                          "removed": int(torch.isinf(out).sum()), **({"note": note} if note else {})})

    every = ("scores", "peaked", "ties", "flat")
    eos, eos2 = torch.tensor([2]), torch.tensor([2, 5])
    for t in pick((0.3, 0.7, 1.5), (0.25, 0.9, 2.0)):
        add(f"temperature_{t}", "TemperatureLogitsWarper", dict(temperature=t), ("scores", "peaked"))
    for k in (1, 5, 20, vocab + 10):
        add(f"top_k_{k}", "TopKLogitsWarper", dict(top_k=k), every, note="ties with the k-th largest are kept")
    add("top_k_2_keep_6", "TopKLogitsWarper", dict(top_k=2, min_tokens_to_keep=6), every)
    for p in pick((0.1, 0.5, 0.9, 0.99), (0.2, 0.6, 0.95)):
        add(f"top_p_{p}", "TopPLogitsWarper", dict(top_p=p), ("scores", "peaked", "flat"))
    add("top_p_0.1_keep_3", "TopPLogitsWarper", dict(top_p=0.1, min_tokens_to_keep=3), ("scores", "peaked"))
    add("top_p_0", "TopPLogitsWarper", dict(top_p=0.0), ("scores",))
    for p in pick((0.02, 0.1, 0.5), (0.05, 0.3)):
        add(f"min_p_{p}", "MinPLogitsWarper", dict(min_p=p), every)
    add("min_p_0.9_keep_3", "MinPLogitsWarper", dict(min_p=0.9, min_tokens_to_keep=3), ("scores", "peaked"))
    for p in pick((0.2, 0.7, 0.95), (0.3, 0.9)):
        add(f"typical_p_{p}", "TypicalLogitsWarper", dict(mass=p), every)
    add("typical_p_0.2_keep_4", "TypicalLogitsWarper", dict(mass=0.2, min_tokens_to_keep=4), ("scores",))
    for e in pick((0.0003, 0.01, 0.2), (0.001, 0.05)):
        add(f"epsilon_cutoff_{e}", "EpsilonLogitsWarper", dict(epsilon=e), every)
        add(f"eta_cutoff_{e}", "EtaLogitsWarper", dict(epsilon=e), every)
    add("eta_cutoff_0.2_keep_4", "EtaLogitsWarper", dict(epsilon=0.2, min_tokens_to_keep=4), ("scores", "flat"))
    for r in (0.8, 1.3, 2.0):
        add(f"repetition_penalty_{r}", "RepetitionPenaltyLogitsProcessor", dict(penalty=r), ("scores", "ties"))
    ignore = torch.tensor([0, 3, 1, 5, 2][:rows])
    add("repetition_penalty_ignore_prefix", "RepetitionPenaltyLogitsProcessor", dict(penalty=1.5, prompt_ignore_length=ignore), ("scores",),
        note="the first prompt_ignore_length[row] ids of each row do not count; generate() sets it to the length of the left padding")
    for n in (1, 2, 3, 4):
        add(f"no_repeat_ngram_{n}", "NoRepeatNGramLogitsProcessor", dict(ngram_size=n), ("scores",))
    add("bad_words", "NoBadWordsLogitsProcessor", dict(bad_words_ids=[[3], [7, 9, 11], [9, 12], [2], [20, 21]], eos_token_id=eos), ("scores",),
        note="a bad word that is exactly one EOS id is ignored")
    add("sequence_bias", "SequenceBiasLogitsProcessor", dict(sequence_bias={(4,): 3.5, (7, 9, 10): -4.0, (9, 10): 1.25, (9, 13): -2.0, (30, 31): 9.0}), ("scores",),
        note="biases of different sequences that end in the same token add up")
    for n in (length, length + 1):
        add(f"min_length_{n}", "MinLengthLogitsProcessor", dict(min_length=n, eos_token_id=eos2), ("scores",))
    for n in (3, 4):
        add(f"min_new_tokens_{n}", "MinNewTokensLengthLogitsProcessor", dict(prompt_length_to_skip=length - 3, min_new_tokens=n, eos_token_id=eos2), ("scores",))
    add("suppress", "SuppressTokensLogitsProcessor", dict(suppress_tokens=[1, 6, 40]), ("scores",))
    add("begin_suppress_at", "SuppressTokensAtBeginLogitsProcessor", dict(begin_suppress_tokens=[1, 6], begin_index=length), ("scores",))
    add("begin_suppress_past", "SuppressTokensAtBeginLogitsProcessor", dict(begin_suppress_tokens=[1, 6], begin_index=length - 1), ("scores",))
    add("forced_bos_at", "ForcedBOSTokenLogitsProcessor", dict(bos_token_id=8), ("scores",), input_ids=one)
    add("forced_bos_past", "ForcedBOSTokenLogitsProcessor", dict(bos_token_id=8), ("scores",))
    add("forced_eos_at", "ForcedEOSTokenLogitsProcessor", dict(max_length=length + 1, eos_token_id=eos2), ("scores",))
    add("forced_eos_before", "ForcedEOSTokenLogitsProcessor", dict(max_length=length + 2, eos_token_id=eos2), ("scores",))
    for start in (2, 5, 9):
        add(f"exponential_decay_{start}", "ExponentialDecayLengthPenalty",
            dict(exponential_decay_length_penalty=(start, 1.2), eos_token_id=eos2, input_ids_seq_length=length - 6), ("scores",))
    add("renormalize", "LogitNormalization", {}, every)
    add("renormalize_ids1", "LogitNormalization", {}, ("scores",), input_ids=one)
    bad = scores.clone()
    bad[0, 3], bad[1, 4], bad[2, 5] = float("nan"), float("inf"), -float("inf")
    fixed = lp.InfNanRemoveLogitsProcessor()(ids, bad)
    cases.append({"case": "remove_invalid", "class": "InfNanRemoveLogitsProcessor", "arguments": {}, "scores": "scores",
                  "edits": [["row 0 id 3", "nan"], ["row 1 id 4", "inf"], ["row 2 id 5", "-inf"]],
                  "outputs_at_edits": [fixed[0, 3].item(), fixed[1, 4].item(), fixed[2, 5].item()]})

    # Whole lists, in the order that generate() builds them.
    model = LlamaForCausalLM(LlamaConfig(vocab_size=vocab, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
                                         num_key_value_heads=1, pad_token_id=0, bos_token_id=1, eos_token_id=2))
    lists = []
    full = dict(
        sample_basic=dict(do_sample=True, temperature=0.8, top_k=20, top_p=0.9),
        sample_all=dict(do_sample=True, temperature=0.7, top_k=30, top_p=0.95, min_p=0.02, typical_p=0.9, epsilon_cutoff=0.002, eta_cutoff=0.003,
                        repetition_penalty=1.2, no_repeat_ngram_size=2, renormalize_logits=True),
        sample_default_top_k=dict(do_sample=True),
        sample_temperature_before_top_p=dict(do_sample=True, temperature=2.0, top_k=0, top_p=0.5),
        sample_top_k_before_top_p=dict(do_sample=True, top_k=4, top_p=0.8),
        sample_beams_keep_two=dict(do_sample=True, num_beams=2, top_k=1, top_p=0.01, eos_token_id=[2, 5]),
        greedy_everything=dict(do_sample=False, sequence_bias=[[[4], 3.5], [[7, 9, 10], -4.0]], repetition_penalty=1.3, no_repeat_ngram_size=3,
                               bad_words_ids=[[3], [9, 12]], min_length=length + 4, min_new_tokens=2, exponential_decay_length_penalty=(1, 1.3),
                               suppress_tokens=[1, 6], begin_suppress_tokens=[8], eos_token_id=[2, 5], max_length=length + 10),
        greedy_forced_eos=dict(do_sample=False, forced_eos_token_id=5, repetition_penalty=1.5, max_length=length + 1, renormalize_logits=True),
        forced_then_suppressed=dict(do_sample=False, forced_eos_token_id=[5, 6], suppress_tokens=[6], max_length=length + 1),
    )
    for name, options in full.items():
        for prompt_length in (length, length - 3):
            gc = GenerationConfig(**{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_length": length + 20, **options})
            gc, _ = model._prepare_generation_config(gc)
            gc.max_length = options.get("max_length", length + 20)
            model._prepare_special_tokens(gc)
            chain = model._get_logits_processor(generation_config=gc, input_ids_seq_length=prompt_length, device="cpu", model_kwargs={})
            value, case = scores.clone(), f"{name}.prompt{prompt_length}"
            for step, processor in enumerate(chain):
                value = processor(ids, value)
                tensors[f"list.{case}.{step}"] = value
            lists.append({"case": case, "generation_config": options, "eos_token_id": options.get("eos_token_id", 2), "prompt_length": prompt_length,
                          "scores": "scores", "order": [type(p).__name__ for p in chain],
                          "note": "tensor list.<case>.<i> is the output after the first i+1 processors"})
    orders = {row["case"].split(".")[0]: row["order"] for row in lists}
    assert orders["forced_then_suppressed"] == ["ForcedEOSTokenLogitsProcessor", "SuppressTokensLogitsProcessor"]
    assert orders["sample_all"] == ["RepetitionPenaltyLogitsProcessor", "NoRepeatNGramLogitsProcessor", "TemperatureLogitsWarper", "TopKLogitsWarper",
                                    "TopPLogitsWarper", "MinPLogitsWarper", "TypicalLogitsWarper", "EpsilonLogitsWarper", "EtaLogitsWarper", "LogitNormalization"]
    assert orders["sample_default_top_k"] == ["TopKLogitsWarper"]
    write_json(directory / "expected.json", {"vocab_size": vocab, "input_ids": ids.tolist(), "cases": cases, "lists": lists})
    write_tensors(directory / "expected.safetensors", tensors)


# ---------------------------------------------------------------- 3. generation

def generation_models(directory):
    """A target, and a draft made of its first layers: the last layer says little, so drafts are often right."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tok = chat_tokenizer(directory / "target")
    config = LlamaConfig(hidden_size=pick(64, 48), intermediate_size=pick(96, 80), num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                         vocab_size=len(tok), max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    target = init_weights(LlamaForCausalLM(config), SEED + 300, gain=1.3)
    with torch.no_grad():
        for name, p in target.named_parameters():
            if "layers.2." in name and ("o_proj" in name or "down_proj" in name):
                p.mul_(0.35)
    small = copy.deepcopy(config)
    small.num_hidden_layers = 2
    draft = LlamaForCausalLM(small)
    state = {k: v for k, v in target.state_dict().items() if "layers.2." not in k}
    draft.load_state_dict(state)
    draft.eval()
    save_model(target, directory / "target")
    save_model(draft, directory / "draft")
    return tok, target, draft


def both_attentions(model, run):
    """Runs twice, with sdpa and with eager attention; the tokens must not depend on rounding."""
    model.set_attn_implementation("eager")
    other = run()
    model.set_attn_implementation("sdpa")
    out = run()
    assert torch.equal(out.sequences, other.sequences), "not robust to rounding"
    return out


def recorded_assisted(model, run, generator_class):
    """Runs assisted generation and writes down what each round proposed and kept."""
    rounds, calls = [], []
    get, update = generator_class.get_candidates, generator_class.update_candidate_strategy

    def spy_get(self, input_ids, **kwargs):
        ids, logits = get(self, input_ids, **kwargs)
        rounds.append({"length": input_ids.shape[1], "candidates": ids[0, input_ids.shape[1]:].tolist()})
        return ids, logits

    def spy_update(self, input_ids, scores, num_matches):
        rounds[-1]["accepted"] = int(num_matches)
        return update(self, input_ids, scores, num_matches)

    hook = model.register_forward_hook(lambda module, args, kwargs, out: calls.append(int(kwargs["input_ids"].shape[1])), with_kwargs=True)
    generator_class.get_candidates, generator_class.update_candidate_strategy = spy_get, spy_update
    try:
        out = run()
    finally:
        generator_class.get_candidates, generator_class.update_candidate_strategy = get, update
        hook.remove()
    assert len(calls) == len(rounds)
    return out, {"rounds": rounds, "target_forward_calls": len(calls), "target_query_lengths": calls,
                 "drafted": sum(len(r["candidates"]) for r in rounds), "accepted": sum(r["accepted"] for r in rounds)}


def processed_probs(model, prompt, options):
    """The exact distribution that generate() samples the next token from, in f64."""
    config = GenerationConfig(**{**dict(do_sample=True, top_k=0, pad_token_id=0, eos_token_id=None, bos_token_id=1, max_length=512), **options})
    config._eos_token_tensor = None
    chain = model._get_logits_processor(generation_config=config, input_ids_seq_length=prompt.shape[1], device="cpu", model_kwargs={})
    with torch.no_grad():
        logits = model(prompt).logits[:, -1].float()
    return chain(prompt, logits).double().softmax(-1), [type(p).__name__ for p in chain]


def make_generation():
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.generation.candidate_generator import AssistedCandidateGenerator, PromptLookupCandidateGenerator

    directory = fresh_dir("generation")
    tok, target, draft = generation_models(directory)
    vocab = target.config.vocab_size
    tensors, cases = {}, []

    # Prompts whose greedy text is well-posed and not one loop.
    for attempt in range(60):
        g = rng(400 + attempt)
        rows = [torch.randint(5, vocab, (n,), generator=g).tolist() for n in pick((6, 10), (9, 4))]
        ids, mask, _ = left_pad(rows, 0)
        base = greedy(target, ids, mask, 32)
        margin = margins_of(torch.stack(base.logits, 1)).min().item()
        plain = base.sequences[:, ids.shape[1]:]
        if margin > 2 * MIN_MARGIN and min(len(set(r)) for r in plain.tolist()) >= 14:
            break
    else:
        raise AssertionError("no prompts found")
    single = torch.tensor([rows[0]])
    width = ids.shape[1]

    def add(name, options, tokenizer=None, batch=True, record=("sequences",)):
        call = dict(input_ids=ids if batch else single, attention_mask=mask if batch else torch.ones_like(single),
                    return_dict_in_generate=True, output_scores=True, output_logits=True, pad_token_id=0, **options)
        if tokenizer:
            call["tokenizer"] = tokenizer

        def run():
            saved = target.generation_config
            target.generation_config = GenerationConfig(pad_token_id=0, bos_token_id=1)
            try:
                with torch.no_grad():
                    return target.generate(**call)
            finally:
                target.generation_config = saved

        out = both_attentions(target, run)
        case = {"case": name, "options": options, "prompt": "left_padded" if batch else "single",
                "new_tokens": out.sequences[:, (width if batch else single.shape[1]):].tolist()}
        if tokenizer:
            case["text"] = tok.batch_decode(case["new_tokens"])
        if "scores" in record:
            tensors[f"{name}.scores"] = torch.stack(out.scores, 1)
            tensors[f"{name}.logits"] = torch.stack(out.logits, 1)
        if options.get("num_beams", 1) > 1:
            case["sequences_scores"] = [round(x, 6) for x in out.sequences_scores.tolist()]
            case["beam_indices"] = out.beam_indices.tolist()
        cases.append(case)
        return out

    plain_out = add("greedy_max_new_tokens", dict(max_new_tokens=20, do_sample=False), record=("scores",))
    assert plain_out.sequences[:, width:].tolist() == plain[:, :20].tolist()
    add("greedy_max_length", dict(max_length=width + 7, do_sample=False))
    add("greedy_single", dict(max_new_tokens=32, do_sample=False), batch=False)
    stops = [int(plain[0, 5]), int(plain[1, 9])]
    out = add("greedy_eos_list", dict(max_new_tokens=20, do_sample=False, eos_token_id=stops))
    assert any(0 in r for r in out.sequences[:, width:].tolist()), "one row must end before the other"
    out = add("greedy_min_new_tokens", dict(max_new_tokens=20, min_new_tokens=12, do_sample=False, eos_token_id=stops), record=("scores",))
    assert not any(t in stops for r in out.sequences[:, width:width + 12].tolist() for t in r)
    add("greedy_min_length", dict(max_new_tokens=20, min_length=width + 8, do_sample=False, eos_token_id=stops))
    add("greedy_penalties", dict(max_new_tokens=20, do_sample=False, repetition_penalty=1.3, no_repeat_ngram_size=2), record=("scores",))
    add("greedy_no_repeat_3", dict(max_new_tokens=24, do_sample=False, no_repeat_ngram_size=3))
    add("greedy_bad_words", dict(max_new_tokens=16, do_sample=False, bad_words_ids=[[int(plain[0, 2])], plain[1, 3:5].tolist()]))
    add("greedy_suppress", dict(max_new_tokens=16, do_sample=False, suppress_tokens=[int(plain[0, 1])], begin_suppress_tokens=[int(plain[1, 0])]))
    add("greedy_forced_eos", dict(max_new_tokens=6, do_sample=False, forced_eos_token_id=2))
    add("greedy_sequence_bias", dict(max_new_tokens=12, do_sample=False, sequence_bias=[[[int(plain[0, 0])], -20.0], [[int(plain[1, 0]), 17], 30.0]]))
    add("greedy_exponential_decay", dict(max_new_tokens=24, do_sample=False, eos_token_id=int(plain[0].mode().values), exponential_decay_length_penalty=[4, 1.15]))
    words = [tok.decode([t]) for t in plain[0].tolist()]
    spot = next(i for i in range(4, 18) if len(words[i]) > 1 and words[i].isascii() and words[i] not in "".join(words[:i]))
    middle = "".join(words[spot - 1:spot + 1])[1:]
    middle = middle[:-1] if len(middle) > 2 else middle
    out = add("greedy_stop_string_token", dict(max_new_tokens=20, do_sample=False, stop_strings=[words[spot]]), tokenizer=tok)
    assert words[spot] in tok.decode(out.sequences[0, width:])
    if "\ufffd" not in middle and middle:
        add("greedy_stop_string_across_tokens", dict(max_new_tokens=20, do_sample=False, stop_strings=[middle, "never seen"]), tokenizer=tok)
    for beams, length_penalty, early in ((3, 1.0, False), (3, 1.0, True), (3, 1.0, "never"), (3, 2.0, False), (3, -1.0, False), (3, 0.0, True), (4, 1.5, "never")):
        name = f"beam_{beams}_lp{length_penalty}_{early}"
        add(name, dict(max_new_tokens=12, do_sample=False, num_beams=beams, num_return_sequences=2, length_penalty=length_penalty,
                       early_stopping=early, eos_token_id=stops + [int(plain[0, 1])]))
    add("beam_3_no_eos", dict(max_new_tokens=10, do_sample=False, num_beams=3, num_return_sequences=2))
    add("beam_3_single", dict(max_new_tokens=14, do_sample=False, num_beams=3, num_return_sequences=3, eos_token_id=stops), batch=False)
    add("beam_3_penalties", dict(max_new_tokens=12, do_sample=False, num_beams=3, repetition_penalty=1.2, no_repeat_ngram_size=2, eos_token_id=stops))

    # Assisted generation: the same tokens as greedy, in fewer target calls.
    assisted = []

    def assist(name, steps, draft_options, options=None, prompt=single):
        draft.generation_config = GenerationConfig(pad_token_id=0, bos_token_id=1, eos_token_id=None, **draft_options)
        saved = target.generation_config
        target.generation_config = GenerationConfig(pad_token_id=0, bos_token_id=1)
        try:
            with torch.no_grad():
                kw = dict(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=steps, do_sample=False, return_dict_in_generate=True, **(options or {}))
                reference = target.generate(**kw)
                out, trace = recorded_assisted(target, lambda: target.generate(assistant_model=draft, **kw), AssistedCandidateGenerator)
        finally:
            target.generation_config = saved
        assert torch.equal(out.sequences, reference.sequences)
        new = out.sequences.shape[1] - prompt.shape[1]
        assert new == trace["accepted"] + len(trace["rounds"])
        assert trace["target_forward_calls"] < new
        assisted.append({"case": name, "assistant_generation_config": draft_options, "options": {"max_new_tokens": steps, **(options or {})},
                         "prompt": prompt[0].tolist(), "new_tokens": out.sequences[0, prompt.shape[1]:].tolist(), **trace})

    constant = dict(num_assistant_tokens=5, num_assistant_tokens_schedule="constant", assistant_confidence_threshold=0.0)
    assist("constant_5", 48, constant)
    assist("constant_5_second_prompt", 33, constant, prompt=torch.tensor([rows[1]]))
    assist("constant_2", 30, {**constant, "num_assistant_tokens": 2})
    assist("heuristic_transient", 40, {**constant, "num_assistant_tokens_schedule": "heuristic_transient"})
    assist("confidence_0.3", 40, {**constant, "assistant_confidence_threshold": 0.3})
    assist("eos_inside", 48, constant, dict(eos_token_id=stops[:1]))
    assist("penalties", 30, constant, dict(repetition_penalty=1.3, no_repeat_ngram_size=3))
    rate = assisted[0]["accepted"] / assisted[0]["drafted"]
    assert 0.1 < rate < 0.98, f"acceptance {rate}"

    # Prompt lookup.
    lookups = []
    repeated = torch.tensor([rows[0] + plain[0, :12].tolist() + rows[0]])
    loop = torch.tensor([rows[1] + [7, 8, 9, 10, 7, 8] + rows[1][-2:] + [7, 8]])

    def lookup(name, prompt, steps, options=None):
        saved = target.generation_config
        target.generation_config = GenerationConfig(pad_token_id=0, bos_token_id=1)
        try:
            with torch.no_grad():
                kw = dict(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=steps, do_sample=False, return_dict_in_generate=True, **(options or {}))
                reference = target.generate(**kw)
                more = dict(prompt_lookup_num_tokens=5, max_matching_ngram_size=2)
                out, trace = recorded_assisted(target, lambda: target.generate(**more, **kw), PromptLookupCandidateGenerator)
        finally:
            target.generation_config = saved
        assert torch.equal(out.sequences, reference.sequences)
        lookups.append({"case": name, "options": {"max_new_tokens": steps, **more, **(options or {})}, "prompt": prompt[0].tolist(),
                        "new_tokens": out.sequences[0, prompt.shape[1]:].tolist(), **trace})

    lookup("repeated_prompt", repeated, 40)
    lookup("loop", loop, 40)
    lookup("long_continuation", single, 60)
    # A prompt whose continuation falls into a cycle, so that whole candidates are accepted.
    best = None
    for attempt in range(100):
        start = torch.randint(5, vocab, (1, 6), generator=rng(450 + attempt))
        cyclic = greedy(target, start, torch.ones_like(start), 60)
        if len(set(cyclic.sequences[0, -24:].tolist())) > 14 or margins_of(torch.stack(cyclic.logits, 1)).min() <= 2 * MIN_MARGIN:
            continue
        lookup("cycle", start, 60)
        found = lookups.pop()
        if any(0 < r["accepted"] < len(r["candidates"]) for r in found["rounds"]) and (best is None or found["accepted"] > best["accepted"]):
            best = found
        if best and best["accepted"] >= 20:
            break
    assert best and best["accepted"] >= 4, "no cyclic prompt"
    lookups.append(best)
    lookup("eos_inside", repeated, 40, dict(eos_token_id=stops[:1]))
    lookup("suppressed_candidate", repeated, 24, dict(suppress_tokens=[int(plain[0, 3])]))
    assert any(r["accepted"] for row in lookups for r in row["rounds"]) and any(not r["candidates"] for row in lookups for r in row["rounds"])
    generator_cases = []
    for prompt, n, k, limit, eos in (([1, 2, 3, 4, 1, 2], 5, 2, 50, None), ([1, 2, 3, 4, 1, 2], 2, 2, 50, None), ([5, 6, 5, 7, 5], 3, 2, 50, None), ([5, 6, 7, 8], 5, 2, 50, None),
                                     ([9, 9, 9, 9], 4, 3, 50, None), ([1, 2, 3, 4, 1, 2], 5, 2, 7, None), ([1, 2, 3, 4, 1, 2], 5, 2, 8, None), ([1, 2, 3, 4, 1, 2], 5, 2, 50, 4),
                                     ([1, 2, 3, 4, 1, 2], 5, 2, 50, 3), ([3, 1, 4, 3, 1, 5, 3, 1], 3, 2, 50, None), ([1, 2, 3, 9, 2, 3, 8, 1, 2, 3], 3, 3, 50, None), ([4], 3, 2, 50, None), ([4, 4], 3, 2, 50, None)):
        gen = PromptLookupCandidateGenerator(eos_token_id=None if eos is None else torch.tensor([eos]), num_output_tokens=n, max_matching_ngram_size=k, max_length=limit)
        out, _ = gen.get_candidates(torch.tensor([prompt]))
        generator_cases.append({"input_ids": prompt, "num_output_tokens": n, "max_matching_ngram_size": k, "max_length": limit, "eos_token_id": eos,
                                "candidates": out[0, len(prompt):].tolist()})

    # Sampling: exact distributions instead of draws.
    sampling = []
    for i, options in enumerate((dict(), dict(temperature=0.7), dict(temperature=1.6), dict(top_k=5), dict(top_p=0.8), dict(min_p=0.1), dict(typical_p=0.8),
                                 dict(temperature=0.8, top_k=20, top_p=0.9), dict(repetition_penalty=1.5, temperature=0.9, top_k=12), dict(no_repeat_ngram_size=1, top_k=8))):
        probs, order = processed_probs(target, single, options)
        tensors[f"sampling.{i}.probs"] = probs[0]
        sampling.append({"case": i, "prompt": "single", "options": options, "order": order, "support": int((probs > 0).sum())})
        assert abs(probs.sum().item() - 1) < 1e-12

    # Two models over a tiny vocabulary: every continuation can be enumerated.
    size = pick(20, 16)
    tiny_config = LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, vocab_size=size,
                              max_position_embeddings=64, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    tiny = init_weights(LlamaForCausalLM(tiny_config), SEED + 500, gain=1.3, head_std=0.25)
    one_layer = copy.deepcopy(tiny_config)
    one_layer.num_hidden_layers = 1
    tiny_draft = LlamaForCausalLM(one_layer).eval()
    tiny_draft.load_state_dict({k: v for k, v in tiny.state_dict().items() if "layers.1." not in k})
    save_model(tiny, directory / "tiny-target")
    save_model(tiny_draft, directory / "tiny-draft")
    prompt = torch.randint(3, size, (1, 5), generator=rng(501))
    speculative = []
    for i, options in enumerate((dict(), dict(temperature=0.7, top_k=6), dict(temperature=1.3, top_p=0.85))):
        entry = {"case": i, "options": options}
        for name, model in (("target", tiny), ("draft", tiny_draft)):
            first, order = processed_probs(model, prompt, options)
            pairs = torch.cat([prompt.repeat(size, 1), torch.arange(size)[:, None]], 1)
            second, _ = processed_probs(model, pairs, options)
            triples = torch.cat([pairs.repeat_interleave(size, 0), torch.arange(size).repeat(size)[:, None]], 1)
            third, _ = processed_probs(model, triples, options)
            joint2 = first[0][:, None] * second
            joint3 = joint2[:, :, None] * third.view(size, size, size)
            assert abs(joint2.sum().item() - 1) < 1e-9 and abs(joint3.sum().item() - 1) < 1e-9
            close(joint3.sum(-1), joint2, 1e-12, "joint")
            tensors[f"joint.{i}.{name}.1"], tensors[f"joint.{i}.{name}.2"] = first[0], joint2
            if name == "target":
                tensors[f"joint.{i}.target.3"] = joint3.float()
        p, q = tensors[f"joint.{i}.target.1"], tensors[f"joint.{i}.draft.1"]
        entry["first_token_acceptance"] = torch.minimum(p, q).sum().item()
        p2, q2 = tensors[f"joint.{i}.target.2"], tensors[f"joint.{i}.draft.2"]
        # chance that both drafted tokens are kept when two are drafted
        ratio = lambda a, b: torch.where(b > 0, torch.minimum(a / b.clamp(min=1e-300), torch.ones_like(a)), torch.zeros_like(a))
        cond_p, cond_q = p2 / p2.sum(1, keepdim=True).clamp(min=1e-300), q2 / q2.sum(1, keepdim=True).clamp(min=1e-300)
        entry["both_accepted"] = (q2 * ratio(p, q)[:, None] * ratio(cond_p, cond_q)).sum().item()
        assert 0.2 < entry["first_token_acceptance"] < 0.995
        entry["order"] = order
        speculative.append(entry)
    write_json(directory / "expected.json", {
        "prompts": {"left_padded": {"input_ids": ids.tolist(), "attention_mask": mask.tolist()}, "single": single.tolist()},
        "greedy_min_margin": margin, "cases": cases, "assisted": assisted, "prompt_lookup": lookups, "prompt_lookup_candidates": generator_cases,
        "sampling": sampling, "speculative": {"vocab_size": size, "prompt": prompt[0].tolist(), "cases": speculative}})
    write_tensors(directory / "expected.safetensors", tensors)


# ---------------------------------------------------------------- 4. quantized weights

class Layers:
    """Collects small quantized linear layers for one method."""

    def __init__(self, method, produced_by):
        self.method, self.produced_by, self.tensors, self.cases = method, produced_by, {}, []

    def add(self, name, weight, checkpoint, dequantized, x, bias=None, output=None, checks=(), **info):
        assert tuple(dequantized.shape) == tuple(weight.shape)
        dequantized = dequantized.float()
        out = torch.nn.functional.linear(x.float(), dequantized, None if bias is None else bias.float())
        put = self.tensors
        put[f"{name}/float_weight"], put[f"{name}/x"], put[f"{name}/dequantized"], put[f"{name}/output"] = weight.float(), x.float(), dequantized, out
        for key, value in checkpoint.items():
            put[f"{name}/checkpoint.{key}"] = value
        for key, value in (output or {}).items():
            put[f"{name}/{key}"] = value
        self.cases.append({"case": name, "out_features": weight.shape[0], "in_features": weight.shape[1], "bias": bias is not None, **info,
                           "checkpoint": {k: [str(v.dtype).replace("torch.", ""), list(v.shape)] for k, v in checkpoint.items()},
                           "max_quantization_error": round((dequantized - weight.float()).abs().max().item(), 6), "checked_against": list(checks)})

    def write(self, directory):
        write_json(directory / f"{self.method}.json", {"method": self.method, "produced_by": self.produced_by, "cases": self.cases})
        write_tensors(directory / f"{self.method}.safetensors", self.tensors)


def layer_weight(out_features, in_features, offset):
    g = rng(6000 + offset)
    return torch.randn(out_features, in_features, generator=g) * 0.15 * (0.5 + torch.rand(out_features, 1, generator=g)), torch.randn(3, in_features, generator=g), torch.randn(out_features, generator=g) * 0.1


def unpack_nf4(packed, absmax, code, shape, blocksize=64):
    """Our reading of the bitsandbytes 4-bit layout: the even element is in the high nibble."""
    flat = packed.reshape(-1)
    codes = torch.stack([flat >> 4, flat & 15], 1).reshape(-1)[: shape[0] * shape[1]].long()
    scale = absmax.repeat_interleave(blocksize)[: codes.numel()]
    return (code[codes] * scale).reshape(shape)


def make_bitsandbytes(directory):
    import bitsandbytes as bnb
    import bitsandbytes.functional as F

    from bitsandbytes.backends.default.ops import _dequantize_4bit_compute

    layers = Layers("bitsandbytes", f"bitsandbytes {version('bitsandbytes')} on CPU")
    for i, (kind, double, shape, dtype) in enumerate((
            ("nf4", False, (16, 64), torch.float32), ("nf4", True, (16, 64), torch.float32), ("fp4", False, (16, 64), torch.float32), ("fp4", True, (16, 64), torch.float32),
            ("nf4", False, pick((10, 50), (6, 38)), torch.float32), ("nf4", True, pick((160, 112), (144, 120)), torch.float32), ("fp4", True, pick((12, 48), (20, 40)), torch.float16),
            ("nf4", True, (16, 64), torch.bfloat16))):
        weight, x, bias = layer_weight(*shape, i)
        weight, bias = weight.to(dtype), bias.to(dtype)
        packed, state = F.quantize_4bit(weight, quant_type=kind, compress_statistics=double, blocksize=64)
        checkpoint = {"weight": packed, **{f"weight.{k}": v for k, v in state.as_dict(packed=True).items()}, "bias": bias}
        if double:
            absmax = state.state2.code[state.absmax.long()] * state.state2.absmax.repeat_interleave(256)[: state.absmax.numel()] + state.offset
            close(absmax, F.dequantize_blockwise(state.absmax, state.state2) + state.offset, 1e-6, "double quantization")
        else:
            absmax = state.absmax
        # The library's device-independent kernel. Its fast CPU kernel is wrong when a row is not a multiple of the block.
        dequantized = _dequantize_4bit_compute(packed.reshape(-1), absmax, state.code, 64, shape, dtype)
        if shape[1] % 64 == 0:
            close(F.dequantize_4bit(packed, state), dequantized, 1e-6 if dtype == torch.float32 else 4e-3, "fast CPU kernel")
        ours = unpack_nf4(packed, absmax, state.code, shape)
        close(ours.to(dtype), dequantized, 1e-6 if dtype == torch.float32 else 4e-3, "4-bit layout")
        layers.add(f"{kind}{'_double' if double else ''}_{shape[0]}x{shape[1]}_{str(dtype)[6:]}", weight, checkpoint, ours, x, bias, {"dequantized_by_library": dequantized},
                   ("bitsandbytes dequantize_4bit (generic kernel)",), quant_type=kind, double_quant=double, blocksize=64, weight_dtype=str(dtype)[6:])
    for i, (shape, rows, threshold) in enumerate(((pick((24, 64), (16, 48)), 5, 6.0), (pick((24, 64), (16, 48)), 5, 0.0), ((16, 96), 1, 6.0))):
        weight, _, bias = layer_weight(*shape, 50 + i)
        g = rng(6100 + i)
        x = torch.randn(rows, shape[1], generator=g)
        if threshold:
            x[0, 3], x[-1, 10], x[0, 20] = 9.0, -7.5, 6.0
        x16, w16, b16 = x.half(), weight.half(), bias.half()
        cb, scb, _ = F.int8_vectorwise_quant(w16)
        state = bnb.MatmulLtState()
        state.CB, state.SCB, state.has_fp16_weights, state.threshold, state.is_training = cb, scb, False, threshold, False
        out = bnb.matmul(x16.clone(), None, bias=b16, state=state, threshold=threshold)
        # Our reading of LLM.int8().
        dequantized = cb.float() * scb[:, None] / 127
        outlier = (x16.abs() >= threshold) if threshold else torch.zeros_like(x16, dtype=torch.bool)
        columns = outlier.any(0)
        rest = x16.float().masked_fill(outlier, 0)
        sca = rest.abs().amax(1)
        ca = torch.round(rest.half() * (127.0 / sca[:, None]))
        ca = ca.masked_fill(columns[None, :], 0)
        their_ca, their_sca, _ = F.int8_vectorwise_quant(x16.clone(), threshold=threshold)
        assert torch.equal(their_ca.float(), ca.float()) and torch.equal(their_sca, sca), "int8 activations"
        ours = (ca @ cb.float().T) * (sca[:, None] * scb[None]) * 6.200124e-05 + b16.float() + x16.float()[:, columns] @ dequantized[:, columns].T
        close(ours, out, 2e-2, "LLM.int8")
        assert columns.sum() == (3 if threshold else 0)
        layers.add(f"int8_{shape[0]}x{shape[1]}_rows{rows}_threshold{threshold}", weight, {"weight": cb, "SCB": scb, "weight_format": torch.tensor(0, dtype=torch.uint8), "bias": b16},
                   dequantized, x16, b16, {"int8_output_by_library": out, "int8_output_f32": ours, "x_int8": ca.to(torch.int8), "x_scale": sca},
                   ("bitsandbytes.matmul", "bitsandbytes int8_vectorwise_quant (exact)"), threshold=threshold, outlier_columns=columns.nonzero()[:, 0].tolist(),
                   note="x_scale is the row maximum over the elements below the threshold, including the small elements of an outlier column")
    layers.write(directory)


def gptq_quantize(weight, bits, group, sym, g_idx=None):
    """Round-to-nearest per group of input columns. Returns q [in,out], z [groups,out], scales f16 [groups,out], g_idx [in]."""
    out_features, in_features = weight.shape
    group = in_features if group == -1 else group
    if g_idx is None:
        g_idx = torch.arange(in_features) // group
    groups, top = int(g_idx.max()) + 1, 2 ** bits - 1
    scales, zeros = torch.zeros(groups, out_features), torch.zeros(groups, out_features, dtype=torch.int64)
    for k in range(groups):
        part = weight[:, g_idx == k]
        low, high = part.amin(1).clamp(max=0), part.amax(1).clamp(min=0)
        if sym:
            bound = torch.maximum(-low, high)
            low, high = -bound, bound
            zeros[k] = (top + 1) // 2
        scales[k] = (high - low) / top
        if not sym:
            zeros[k] = torch.round(-low / scales[k]).long().clamp(0, top)
    scales = scales.half()
    q = torch.round(weight.t() / scales[g_idx].float() + zeros[g_idx]).clamp(0, top).long()
    return q, zeros, scales, g_idx.int()


def pack_rows(values, bits):
    """[n, m] codes -> int32 [n*bits/32, m], packed along the first dimension, first code in the low bits, as one bit stream."""
    values = values.numpy().astype(np.uint64)
    n, m = values.shape
    assert n * bits % 32 == 0
    words = np.zeros((n * bits // 32, m), dtype=np.uint64)
    for i in range(n):
        word, shift = divmod(i * bits, 32)
        both = values[i] << np.uint64(shift)
        words[word] |= both & np.uint64(0xFFFFFFFF)
        if shift + bits > 32:
            words[word + 1] |= both >> np.uint64(32)
    return torch.from_numpy(words.astype(np.uint32).view(np.int32).copy())


def unpack_rows(packed, bits, n):
    words = packed.numpy().view(np.uint32).astype(np.uint64)
    out = np.zeros((n, words.shape[1]), dtype=np.int64)
    for i in range(n):
        word, shift = divmod(i * bits, 32)
        value = words[word] >> np.uint64(shift)
        if shift + bits > 32:
            value |= words[word + 1] << np.uint64(32 - shift)
        out[i] = (value & np.uint64(2 ** bits - 1)).astype(np.int64)
    return torch.from_numpy(out)


def gptq_pack(q, zeros, scales, g_idx, bits, v2):
    stored = zeros if v2 else (zeros - 1) & (2 ** bits - 1)
    return {"qweight": pack_rows(q, bits), "qzeros": pack_rows(stored.t().contiguous(), bits).t().contiguous(), "scales": scales, "g_idx": g_idx}


def gptq_dequantize(t, bits, v2):
    n, out_features = t["g_idx"].numel(), t["scales"].shape[1]
    q = unpack_rows(t["qweight"], bits, n)
    z = unpack_rows(t["qzeros"].t().contiguous(), bits, out_features).t()
    if not v2:
        z = (z + 1) & (2 ** bits - 1)
    g = t["g_idx"].long()
    return (t["scales"].float()[g] * (q - z[g]).float()).t().contiguous()


def gptq_check(weight, t, bits, group, sym, desc_act, v2):
    """Compares our packing with auto-gptq's pack() and gptqmodel's dequantize_weight()."""
    checks = []
    out_features, in_features = weight.shape
    ours = gptq_dequantize(t, bits, v2)
    zeros = unpack_rows(t["qzeros"].t().contiguous(), bits, out_features).t()
    zeros = zeros if v2 else (zeros + 1) & (2 ** bits - 1)
    if importlib.util.find_spec("auto_gptq") and not v2:
        reference = module_from_file("auto_gptq", "nn_modules/qlinear/qlinear_cuda.py")
        linear = torch.nn.Linear(in_features, out_features, bias=False)
        linear.weight.data = ours.clone()
        layer = reference.QuantLinear(bits, group, in_features, out_features, False)
        if (zeros > 0).all():  # it packs zeros-1 without a mask
            layer.pack(linear, t["scales"].float().t().contiguous(), zeros.float().t().contiguous(), t["g_idx"])
            assert torch.equal(layer.qweight, t["qweight"]) and torch.equal(layer.qzeros, t["qzeros"])
            checks.append("auto_gptq QuantLinear.pack (bit-exact)")
    if importlib.util.find_spec("gptqmodel") and not (v2 is False and (zeros == 0).any()):
        try:
            from gptqmodel.nn_modules.qlinear.torch import TorchLinear
            from gptqmodel.utils.model import convert_gptq_v1_to_v2_format_module
        except ImportError:
            return checks
        layer = TorchLinear(bits=bits, group_size=group, sym=sym, desc_act=desc_act, in_features=in_features, out_features=out_features, bias=False)
        for name in ("qweight", "qzeros", "scales", "g_idx"):
            getattr(layer, name).data = t[name].clone()
        layer.post_init()
        if not v2:
            convert_gptq_v1_to_v2_format_module(layer, bits, torch.int32)
        theirs = layer.dequantize_weight().float().t()
        close(theirs, ours, 2e-3, f"gptqmodel {bits} bits")
        checks.append("gptqmodel TorchLinear.dequantize_weight (f16)")
    return checks


def make_gptq(directory):
    layers = Layers("gptq", "own packing (round to nearest), compared with auto-gptq and gptqmodel")
    index = 0
    for bits in (2, 3, 4, 8):
        for sym, group, in_features, desc_act, v2 in ((True, 32, 128, False, False), (False, 128, 256, False, False), (False, -1, 64, False, False),
                                                      (False, 32, 128, True, False), (False, 32, 64, False, True), (True, 32, 128, True, True)):
            index += 1
            weight, x, bias = layer_weight(32, in_features, 100 + index)
            if not sym and not v2:  # a zero point of 0 has no faithful "zeros - 1" form: keep every group's zero at 1 or more
                weight = weight - 0.05
            g_idx = None
            if desc_act:
                order = torch.randperm(in_features, generator=rng(6200 + index))
                g_idx = torch.empty(in_features, dtype=torch.long)
                g_idx[order] = torch.arange(in_features) // group
                assert (g_idx[1:] < g_idx[:-1]).any()
            q, z, s, g = gptq_quantize(weight, bits, group, sym, g_idx)
            if not v2:
                z = z.clamp(min=1)
            tensors = gptq_pack(q, z, s, g, bits, v2)
            dequantized = gptq_dequantize(tensors, bits, v2)
            expect = (s.float()[g.long()] * (q - z[g.long()]).float()).t()
            assert torch.equal(dequantized, expect)
            if sym and bits == 4 and not v2:
                assert (tensors["qzeros"] == 0x77777777).all()
            checks = gptq_check(weight, tensors, bits, group, sym, desc_act, v2)
            name = f"{bits}bit_{'sym' if sym else 'asym'}_g{group}{'_desc' if desc_act else ''}{'_v2' if v2 else ''}"
            layers.add(name, weight, {**tensors, "bias": bias.half()}, dequantized, x, bias.half(), None, checks, bits=bits, sym=sym, group_size=group,
                       desc_act=desc_act, checkpoint_format="gptq_v2" if v2 else "gptq")
    # A stored zero of all ones: (stored + 1) must wrap to 0.
    weight, x, bias = layer_weight(32, 64, 190)
    weight = weight.abs() + 0.01
    q, z, s, g = gptq_quantize(weight, 4, 32, False)
    assert (z == 0).all()
    tensors = gptq_pack(q, z, s, g, 4, False)
    assert (tensors["qzeros"] == -1).all()
    layers.add("4bit_asym_g32_zero_wraps", weight, tensors, gptq_dequantize(tensors, 4, False), x, None, None, (), bits=4, sym=False, group_size=32, desc_act=False,
               checkpoint_format="gptq", note="true zero point 0 is stored as 15; readers that mask (stored + 1) & 15 get 0")
    layers.write(directory)


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def awq_quantize(weight, group):
    q, z, s, _ = gptq_quantize(weight, 4, group, False)
    return q, z, s


def awq_gemm_pack(q, z, s):
    def pack(values):
        v = values.numpy().astype(np.uint32).reshape(values.shape[0], -1, 8)[:, :, AWQ_ORDER]
        return torch.from_numpy((v << (np.arange(8, dtype=np.uint32) * 4)).sum(-1, dtype=np.uint32).view(np.int32).copy())
    return {"qweight": pack(q), "qzeros": pack(z), "scales": s}


def awq_gemv_pack(q, z, s, group):
    groups = z.shape[0]
    multiple = {128: 1, 64: 2, 32: 4}[group]
    width = -(-(-(-groups // 8)) // multiple) * multiple
    def pack(values):  # natural order along the second dimension
        v = values.numpy().astype(np.uint32).reshape(values.shape[0], -1, 8)
        return torch.from_numpy((v << (np.arange(8, dtype=np.uint32) * 4)).sum(-1, dtype=np.uint32).view(np.int32).copy())
    padded = torch.zeros(z.shape[1], width * 8, dtype=torch.int64)
    padded[:, :groups] = z.t()
    scales = torch.zeros(s.shape[1], width * 8, dtype=torch.float16)
    scales[:, :groups] = s.t()
    return {"qweight": pack(q.t().contiguous()), "qzeros": pack(padded), "scales": scales}


def make_awq(directory):
    layers = Layers("awq", "own packing (round to nearest), compared with autoawq's from_linear and gptqmodel's dequantize_gemm")
    for i, (out_features, in_features, group) in enumerate(((32, 64, 32), (64, 128, 128), pick((32, 256, 64), (96, 192, 64)), (32, 256, 128), (32, 320, 32))):
        weight, x, bias = layer_weight(out_features, in_features, 200 + i)
        q, z, s = awq_quantize(weight, group)
        g = torch.arange(in_features) // group
        dequantized = (s.float()[g] * (q - z[g]).float()).t().contiguous()
        for kind, tensors in (("gemm", awq_gemm_pack(q, z, s)), ("gemv", awq_gemv_pack(q, z, s, group))):
            checks = []
            if importlib.util.find_spec("awq"):
                try:
                    from awq.modules.linear.gemm import WQLinear_GEMM
                    from awq.modules.linear.gemv import WQLinear_GEMV
                    from awq.utils.packing_utils import dequantize_gemm
                    linear = torch.nn.Linear(in_features, out_features, bias=False)
                    linear.weight.data = dequantized.clone()
                    if kind == "gemm":
                        theirs = WQLinear_GEMM.from_linear(linear, 4, group, scales=s.float(), zeros=z.float().to(torch.int32))
                        # f16 in the library: an exact comparison of the weights is of the integers
                        close(dequantize_gemm(tensors["qweight"], tensors["qzeros"], tensors["scales"], 4, group).float().t(), dequantized, 2e-3, "awq")
                        checks.append("autoawq dequantize_gemm (f16)")
                    else:
                        theirs = WQLinear_GEMV.from_linear(linear, 4, group, scales=s.float().t().contiguous(), zeros=z.t().contiguous().to(torch.int32))
                    assert all(torch.equal(getattr(theirs, k), tensors[k]) for k in tensors), kind
                    checks.append(f"autoawq WQLinear_{kind.upper()}.from_linear (bit-exact)")
                except ImportError:
                    pass
            layers.add(f"{kind}_{out_features}x{in_features}_g{group}", weight, {**tensors, "bias": bias.half()}, dequantized, x, bias.half(), None, checks,
                       bits=4, group_size=group, zero_point=True, version=kind)
    layers.write(directory)


def make_aqlm(directory):
    layers = Layers("aqlm", "own random codes and codebooks in the aqlm layout, dequantized by aqlm's own _dequantize_weight where installed")
    for i, (books, nbits, out_group, in_group, out_features, in_features) in enumerate(((1, 8, 1, 8, 16, 64), (2, 8, 1, 8, 16, 64), (1, 10, 1, 8, 12, 64), (1, 8, 2, 4, 16, 32), (3, 4, 1, 16, 8, 64))):
        g = rng(6300 + i)
        codebooks = (torch.randn(books, 2 ** nbits, out_group, in_group, generator=g) * 0.2).half()
        codes = torch.randint(0, 2 ** nbits, (out_features // out_group, in_features // in_group, books), generator=g)
        scales = (0.5 + torch.rand(out_features // out_group, 1, 1, 1, generator=g)).half()
        signed = torch.where(codes >= 2 ** (nbits - 1), codes - 2 ** nbits, codes).to(torch.int8 if nbits <= 8 else torch.int16)
        total = sum(codebooks[k].float()[codes[:, :, k]] for k in range(books)) * scales.float()   # [O, I, out_group, in_group]
        dequantized = total.transpose(1, 2).reshape(out_features, in_features)
        checks = []
        try:
            from aqlm.utils import _dequantize_weight, pack_int_data, unpack_int_data
            theirs = _dequantize_weight(unpack_int_data(signed, nbits), codebooks.float(), scales.float())
            close(theirs, dequantized, 1e-6, "aqlm")
            assert torch.equal(pack_int_data(codes.clone(), nbits), signed)
            checks.append("aqlm.utils._dequantize_weight and pack_int_data")
        except ImportError:
            pass
        x, bias = torch.randn(3, in_features, generator=g), torch.randn(out_features, generator=g).half()
        layers.add(f"{books}x{nbits}_group{out_group}x{in_group}", dequantized, {"codebooks": codebooks, "codes": signed, "scales": scales, "bias": bias}, dequantized, x, bias,
                   None, checks, num_codebooks=books, nbits_per_codebook=nbits, out_group_size=out_group, in_group_size=in_group)
    layers.write(directory)


def make_quanto(directory):
    from optimum.quanto import QLinear, qfloat8, qint2, qint4, qint8

    layers = Layers("quanto", f"optimum-quanto {version('optimum-quanto')} on CPU")
    for i, (kind, shape) in enumerate(itertools.product((qint8, qint4, qint2, qfloat8), ((16, 64), pick((24, 160), (12, 192)), (16, 256), (13, 48)))):
        if kind is qfloat8 and shape[1] > 64:
            continue
        weight, x, bias = layer_weight(*shape, 300 + i)
        linear = torch.nn.Linear(shape[1], shape[0])
        linear.weight.data, linear.bias.data = weight.clone(), bias.clone()
        layer = QLinear.from_module(linear, weights=kind)
        layer.freeze()
        state = {k: v.detach() for k, v in layer.state_dict().items()}
        dequantized = layer.weight.dequantize().detach()
        scale = state["weight._scale"]
        if kind in (qint8, qfloat8):
            ours = state["weight._data"].float() * scale
        else:  # row blocks: block k of the grouped matrix sits in bits [k*b, (k+1)*b) of each byte
            per = 8 // kind.bits
            packed = state["weight._data._data"].long()
            codes = torch.cat([(packed >> (kind.bits * k)) & (2 ** kind.bits - 1) for k in range(per)])
            codes = codes[: scale.shape[0]].float()
            ours = (codes * scale - state["weight._shift"]).reshape(shape)
        close(ours, dequantized, 1e-6, f"quanto {kind.name}")
        with torch.no_grad():
            out = layer(x)
        layers.add(f"{kind.name}_{shape[0]}x{shape[1]}", weight, state, dequantized, x, bias, {"output_by_library": out}, ("optimum.quanto QTensor.dequantize",),
                   weights=kind.name, group_size=layer.weight_group_size, axis=0)
        close(out, layers.tensors[f"{kind.name}_{shape[0]}x{shape[1]}/output"], 1e-4, "quanto forward")
    layers.write(directory)


LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def quant_base():
    from transformers import LlamaConfig
    return LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=pick(2, 4), vocab_size=pick(288, 256),
                       max_position_embeddings=128, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)


def half_model(seed, dtype=torch.float16):
    """A model whose unquantized weights are exactly representable in f16."""
    model = init_weights(AutoModelForCausalLM.from_config(quant_base()), seed, gain=1.3)
    for p in model.parameters():
        p.data = p.data.to(dtype).float()
    return model


def quantized_linears(model):
    return {name: m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear) and name.split(".")[-1] in LINEARS}


def write_quantized_model(directory, name, make, note):
    """make(seed) -> (model with dequantized f32 weights, function that saves the checkpoint, extra checks)."""
    for attempt in range(60):
        reference, save, check = make(SEED + 900 + 10 * attempt)
        info, tensors, margin, variety, same = model_goldens(reference, 16, 900 + attempt, hidden=False)
        if margin > 2 * MIN_MARGIN and variety >= 6 and same:
            break
    else:
        raise AssertionError("no seed")
    target = directory / "models" / name
    target.mkdir(parents=True, exist_ok=True)
    save(target)
    extra = check(target, torch.tensor(info["batch"]["input_ids"]), tensors["batch.logits"]) or {}
    tensors.update(extra)
    # every dequantized linear weight, so that a loader can be tested apart from the model
    for key, module in quantized_linears(reference).items():
        tensors[f"dequantized.{key}.weight"] = module.weight.detach()
    write_json(target / "expected.json", {"model": name, "compute": "f32 with dequantized weights", "note": note, **info})
    write_tensors(target / "expected.safetensors", tensors)


def write_checkpoint(target, model, state, quantization_config, dtype="float16"):
    model.config.save_pretrained(target)
    config = json.loads((target / "config.json").read_text())
    config.update(architectures=["LlamaForCausalLM"], torch_dtype=dtype, quantization_config=quantization_config)
    config = legacy_config({k: v for k, v in config.items() if k != "dtype"} | {"dtype": dtype})
    (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    model.generation_config.save_pretrained(target)
    save_file({k: v.contiguous() for k, v in state.items()}, target / "model.safetensors", metadata={"format": "pt"})


def rest_of(model, dtype=torch.float16):
    """Everything but the quantized weights, as the checkpoint holds it."""
    skip = {f"{n}.weight" for n in quantized_linears(model)}
    return {k: v.detach().to(dtype) for k, v in model.state_dict().items() if k not in skip}


def make_quantized_models(directory):
    import bitsandbytes.functional as F
    from transformers import BitsAndBytesConfig

    def bnb(kind):
        def make(seed):
            source = half_model(seed)
            options = dict(load_in_8bit=True) if kind == "int8" else dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=kind == "nf4-double", bnb_4bit_compute_dtype=torch.float32)
            work = OUT / "work"
            shutil.rmtree(work, ignore_errors=True)
            source.save_pretrained(work)
            quantized = AutoModelForCausalLM.from_pretrained(work, quantization_config=BitsAndBytesConfig(**options), device_map="cpu", dtype=torch.float32).eval()
            shutil.rmtree(work)
            reference = copy.deepcopy(source)
            modules = dict(quantized.named_modules())
            for name, module in quantized_linears(reference).items():
                layer = modules[name]
                if kind == "int8":
                    module.weight.data = layer.weight.CB.float() * layer.weight.SCB[:, None] / 127 if getattr(layer.weight, "CB", None) is not None else layer.state.CB.float() * layer.state.SCB[:, None] / 127
                else:
                    module.weight.data = F.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()

            def check(target, ids, logits):
                reloaded = AutoModelForCausalLM.from_pretrained(target, device_map="cpu", dtype=torch.float32).eval()
                with torch.no_grad():
                    out = reloaded(ids).logits.float()
                close(out, logits, 0.5, "bitsandbytes forward")  # its CPU kernels round activations (int8) or multiply in bf16 (4-bit)
                return {"batch.logits_by_library": out}
            return reference, lambda target: save_model(quantized, target), check
        return make

    library = f"written by transformers and bitsandbytes {version('bitsandbytes')}; batch.logits_by_library is the library's own CPU forward, which rounds more than f32"
    write_quantized_model(directory, "bnb-nf4", bnb("nf4"), library)
    write_quantized_model(directory, "bnb-nf4-double", bnb("nf4-double"), library)
    write_quantized_model(directory, "bnb-int8", bnb("int8"), library + " (activations quantized to int8, so it differs from the f32 logits)")

    def gptq(sym, desc):
        def make(seed):
            model, state = half_model(seed), {}
            for i, (name, module) in enumerate(quantized_linears(model).items()):
                weight = module.weight.data
                g_idx = None
                if desc:
                    g_idx = torch.empty(weight.shape[1], dtype=torch.long)
                    g_idx[torch.randperm(weight.shape[1], generator=rng(seed + i))] = torch.arange(weight.shape[1]) // 32
                q, z, s, g = gptq_quantize(weight, 4, 32, sym, g_idx)
                z = z.clamp(min=1)
                tensors = gptq_pack(q, z, s, g, 4, False)
                module.weight.data = gptq_dequantize(tensors, 4, False)
                state.update({f"{name}.{k}": v for k, v in tensors.items()})
            config = dict(quant_method="gptq", bits=4, group_size=32, desc_act=desc, sym=sym, damp_percent=0.1, true_sequential=True, checkpoint_format="gptq", model_file_base_name="model")

            def check(target, ids, logits):
                loaded = load_file(target / "model.safetensors")
                for name, module in quantized_linears(model).items():
                    part = {k: loaded[f"{name}.{k}"] for k in ("qweight", "qzeros", "scales", "g_idx")}
                    assert torch.equal(gptq_dequantize(part, 4, False), module.weight.data)
            return model, lambda target: write_checkpoint(target, model, {**rest_of(model), **state}, config), check
        return make

    write_quantized_model(directory, "gptq-4bit", gptq(True, False), "own packing, checked layer by layer against auto-gptq and gptqmodel in ../../gptq.json")
    write_quantized_model(directory, "gptq-4bit-desc-act", gptq(False, True), "asymmetric with act order (g_idx is a shuffle)")

    def awq(seed):
        model, state = half_model(seed), {}
        for name, module in quantized_linears(model).items():
            q, z, s = awq_quantize(module.weight.data, 32)
            g = torch.arange(q.shape[0]) // 32
            module.weight.data = (s.float()[g] * (q - z[g]).float()).t().contiguous()
            state.update({f"{name}.{k}": v for k, v in awq_gemm_pack(q, z, s).items()})
        config = dict(quant_method="awq", bits=4, group_size=32, zero_point=True, version="gemm", modules_to_not_convert=None)
        return model, lambda target: write_checkpoint(target, model, {**rest_of(model), **state}, config), lambda *a: None

    write_quantized_model(directory, "awq-4bit", awq, "own packing, checked layer by layer against autoawq in ../../awq.json")

    def quanto(kind):
        def make(seed):
            from optimum.quanto import freeze, qint4, qint8, quantization_map, quantize
            source = half_model(seed, torch.float32)
            quantized = copy.deepcopy(source)
            quantize(quantized, weights={"int8": qint8, "int4": qint4}[kind], exclude="lm_head")
            freeze(quantized)
            modules = dict(quantized.named_modules())
            for name, module in quantized_linears(source).items():
                module.weight.data = modules[name].weight.dequantize().detach().clone()

            def save(target):
                write_checkpoint(target, source, {k: v.detach() for k, v in quantized.state_dict().items()},
                                 dict(quant_method="quanto", weights=kind, activations=None, modules_to_not_convert=["lm_head"]), "float32")
                (target / "quanto_qmap.json").write_text(json.dumps(quantization_map(quantized), indent=1) + "\n")

            def check(target, ids, logits):
                with torch.no_grad():
                    close(quantized(ids).logits, logits, 2e-3, "quanto forward")
            return source, save, check
        return make

    for kind in ("int8", "int4"):
        write_quantized_model(directory, f"quanto-{kind}", quanto(kind), f"weights quantized by optimum-quanto {version('optimum-quanto')}; its state dict saved as safetensors with quanto_qmap.json")


def make_gguf(directory):
    """A llama GGUF file with mixed tensor types, read back by transformers' own GGUF loader."""
    import gguf
    from gguf import GGMLQuantizationType as T

    target = directory / "gguf"
    target.mkdir(parents=True)
    types = {"attn_q": T.Q4_0, "attn_k": T.Q4_1, "attn_v": T.Q8_0, "attn_output": T.Q8_0, "ffn_gate": T.Q4_0, "ffn_up": T.Q5_0, "ffn_down": T.Q5_1, "token_embd": T.F16, "output": T.Q8_0}
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
             "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}

    def permute(weight, heads):  # llama.cpp pairs neighbouring rows where transformers pairs halves
        return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)

    def unpermute(weight, heads):
        return weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)

    for attempt in range(60):
        model = half_model(SEED + 1500 + 10 * attempt)
        config = model.config
        tensors, data = {}, {}
        for key, value in model.state_dict().items():
            key = key.replace("model.", "", 1) if key.startswith("model.") else key
            layer = None
            if key.startswith("layers."):
                _, layer, rest = key.split(".", 2)
                short = names[rest.rsplit(".", 1)[0]]
            else:
                short = {"embed_tokens.weight": "token_embd", "norm.weight": "output_norm", "lm_head.weight": "output"}[key]
            name = (f"blk.{layer}." if layer is not None else "") + short + ".weight"
            array = value.float().numpy()
            heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}.get(short)
            if heads:
                array = permute(array, heads)
            kind = types.get(short, T.F32)
            packed = gguf.quants.quantize(array, kind) if kind != T.F32 else array
            restored = gguf.quants.dequantize(packed, kind) if kind != T.F32 else array
            data[name], tensors[f"dequantized.{name}"] = (packed, kind), torch.from_numpy(np.ascontiguousarray(restored, dtype=np.float32))
            value.copy_(torch.from_numpy(np.ascontiguousarray(unpermute(restored, heads) if heads else restored)))
        info, expected, margin, variety, same = model_goldens(model, 16, 1500 + attempt, hidden=False)
        if margin > 2 * MIN_MARGIN and variety >= 6 and same:
            break
    else:
        raise AssertionError("no seed")
    writer = gguf.GGUFWriter(target / "tiny-llama.gguf", "llama")
    writer.add_name("tiny-llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(config.vocab_size - 3)][: config.vocab_size - 3]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([t.encode() for t in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3] + [6] * (len(tokens) - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    for name, (packed, kind) in data.items():
        writer.add_tensor(name, packed, raw_dtype=kind if kind not in (T.F32, T.F16) else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    loaded = AutoModelForCausalLM.from_pretrained(target, gguf_file="tiny-llama.gguf", dtype=torch.float32).eval()
    with torch.no_grad():
        close(loaded(torch.tensor(info["batch"]["input_ids"])).logits, expected["batch.logits"], 1e-4, "transformers' GGUF loader")
    reader = gguf.GGUFReader(target / "tiny-llama.gguf")
    listed = [{"name": t.name, "type": t.tensor_type.name, "shape": [int(n) for n in t.shape], "bytes": int(t.n_bytes)} for t in reader.tensors]
    write_json(target / "expected.json", {"file": "tiny-llama.gguf", "tensors": listed, "note": "shape is in GGUF order (fastest dimension first); attn_q and attn_k rows are permuted as llama.cpp does",
                                          "config": {"rope_theta": config.rope_parameters["rope_theta"], "rms_norm_eps": config.rms_norm_eps}, **info})
    write_tensors(target / "expected.safetensors", {**expected, **tensors})

    # Single blocks: what the gguf package quantizes, and K-quants from valid random bytes (it only dequantizes those).
    blocks, cases = {}, []
    g = rng(1600)
    for kind in (T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1):
        values = (torch.randn(4, 96, generator=g) * 0.3).numpy()
        packed = gguf.quants.quantize(values, kind)
        blocks[f"{kind.name}/float"], blocks[f"{kind.name}/bytes"] = torch.from_numpy(values), torch.from_numpy(np.ascontiguousarray(packed).view(np.uint8).copy())
        blocks[f"{kind.name}/dequantized"] = torch.from_numpy(gguf.quants.dequantize(packed, kind).astype(np.float32))
        cases.append({"type": kind.name, "from": "gguf.quants.quantize", "shape": [4, 96]})
    # byte offsets of the f16 scales inside a block of 256
    for kind, halves in ((T.Q2_K, (80, 82)), (T.Q3_K, (108,)), (T.Q4_K, (0, 2)), (T.Q5_K, (0, 2)), (T.Q6_K, (208,)), (T.IQ4_NL, (0,)), (T.IQ4_XS, (0,))):
        size, width = gguf.GGML_QUANT_SIZES[kind]
        raw = torch.randint(0, 256, (6, width), generator=g, dtype=torch.int64).to(torch.uint8).numpy()
        for offset in halves:
            raw[:, offset:offset + 2] = (torch.rand(6, 1, generator=g) * 0.02).half().numpy().view(np.uint8)
        blocks[f"{kind.name}/bytes"] = torch.from_numpy(raw)
        restored = gguf.quants.dequantize(raw, kind).astype(np.float32)
        assert np.isfinite(restored).all() and restored.size == 6 * size
        blocks[f"{kind.name}/dequantized"] = torch.from_numpy(restored.reshape(6, size))
        cases.append({"type": kind.name, "from": "random block bytes", "blocks": 6, "block_size": size, "block_bytes": width})
    write_json(target / "blocks.json", {"cases": cases})
    write_tensors(target / "blocks.safetensors", blocks)


def make_quantization():
    directory = fresh_dir("quantization")
    for make in (make_bitsandbytes, make_gptq, make_awq, make_aqlm, make_quanto, make_quantized_models, make_gguf):
        make(directory)


# ---------------------------------------------------------------- 5. training

def completion_only_labels(rows, masks, pad, response, instruction=None, padding_free=False):
    """DataCollatorForCompletionOnlyLM as TRL had it. rows are padded ids, masks their attention masks."""
    labels = [[-100 if t == pad else t for t in row] for row in rows]

    def ends(row, needle):  # first index after each occurrence
        return [i + len(needle) for i in range(len(row) - len(needle) + 1) if row[i:i + len(needle)] == needle]

    for row in labels:
        original = list(row)
        if instruction is None:
            found = ends(original, response)
            stop = found[-1] if found else len(row)
            row[:stop] = [-100] * stop
            continue
        answers = ends(original, response)
        questions = [i - len(instruction) for i in ends(original, instruction)]
        if not answers or not questions:
            row[:] = [-100] * len(row)
            continue
        if questions[0] > answers[0]:
            questions = [0] + questions
        for i, (start, stop) in enumerate(zip(questions, answers)):
            start = 0 if i == 0 else start
            row[start:stop] = [-100] * len(row[start:stop])
        if len(answers) < len(questions):
            row[questions[-1]:] = [-100] * len(row[questions[-1]:])
    if not padding_free:
        return {"input_ids": rows, "attention_mask": masks, "labels": labels}
    flat = {"input_ids": [], "labels": [], "position_ids": []}
    starts = []
    for row, mask, label in zip(rows, masks, labels):
        position = 0
        for token, keep, target in zip(row, mask, label):
            if not keep:
                continue
            if position == 0:
                starts.append(len(flat["input_ids"]))
                target = -100
            flat["input_ids"].append(token)
            flat["labels"].append(target)
            flat["position_ids"].append(position)
            position += 1
    cu = starts + [len(flat["input_ids"])]
    return {**flat, "cu_seq_lens": cu, "max_length": max(b - a for a, b in zip(cu, cu[1:]))}


def completion_cases():
    r, q = [50, 51, 52], [60, 61]
    raw = {
        "single_turn": ([[1, 60, 61, 10, 11, 50, 51, 52, 20, 21, 2], [1, 12, 50, 51, 52, 22, 2]], dict(pad=0)),
        "right_and_left_padding": ([[1, 12, 50, 51, 52, 22, 2], [1, 12, 13, 14, 50, 51, 52, 22, 23, 2]], dict(pad=0, side="left")),
        "pad_is_eos": ([[1, 12, 50, 51, 52, 22, 2], [1, 12, 13, 14, 50, 51, 52, 22, 23, 2]], dict(pad=2)),
        "last_occurrence_counts": ([[1, 50, 51, 52, 20, 50, 51, 52, 21, 22, 2]], dict(pad=0)),
        "not_found": ([[1, 12, 13, 50, 51, 14, 2], [1, 12, 50, 51, 52, 22, 2]], dict(pad=0)),
        "template_at_end": ([[1, 12, 13, 50, 51, 52]], dict(pad=0)),
        "template_overlaps_itself": ([[1, 50, 50, 50, 51, 2]], dict(pad=0, response=[50, 50])),
        "template_contains_pad": ([[1, 12, 50, 0, 52, 22, 2], [1, 50, 0, 52, 9]], dict(pad=0, response=[50, 0, 52])),
        "two_turns": ([[1, 60, 61, 10, 50, 51, 52, 20, 21, 60, 61, 11, 12, 50, 51, 52, 22, 2], [1, 60, 61, 10, 50, 51, 52, 20, 2]], dict(pad=0, instruction=q)),
        "unanswered_last_question": ([[1, 60, 61, 10, 50, 51, 52, 20, 60, 61, 11, 12]], dict(pad=0, instruction=q)),
        "answer_first": ([[1, 9, 50, 51, 52, 20, 21, 60, 61, 10, 50, 51, 52, 22, 2]], dict(pad=0, instruction=q)),
        "no_instruction_found": ([[1, 9, 50, 51, 52, 20, 21, 2]], dict(pad=0, instruction=q)),
        "no_response_found": ([[1, 60, 61, 20, 21, 2]], dict(pad=0, instruction=q)),
        "padding_free": ([[1, 12, 50, 51, 52, 22, 2], [1, 12, 13, 14, 50, 51, 52, 22, 23, 2], [50, 51, 52, 30, 2]], dict(pad=0, padding_free=True)),
        "padding_free_left": ([[1, 12, 50, 51, 52, 22, 2], [1, 13, 14, 50, 51, 52, 22, 23, 2]], dict(pad=2, side="left", padding_free=True)),
    }
    if HELDOUT:  # the same shapes of case with other tokens
        raw = {name: ([[t + 100 if t > 2 else t for t in row] for row in rows],
                      {**o, **{k: [t + 100 if t > 2 else t for t in o[k]] for k in ("response", "instruction") if k in o}}) for name, (rows, o) in raw.items()}
        r = [t + 100 for t in r]
    cases = []
    for name, (rows, o) in raw.items():
        width = max(map(len, rows))
        left = o.get("side") == "left"
        pads = [[o["pad"]] * (width - len(x)) for x in rows]
        padded = [p + x if left else x + p for p, x in zip(pads, rows)]
        masks = [[0] * len(p) + [1] * len(x) if left else [1] * len(x) + [0] * len(p) for p, x in zip(pads, rows)]
        out = completion_only_labels(padded, masks, o["pad"], o.get("response", r), o.get("instruction"), o.get("padding_free", False))
        cases.append({"case": name, "examples": rows, "pad_token_id": o["pad"], "padding_side": "left" if left else "right", "response_template": o.get("response", r),
                      "instruction_template": o.get("instruction"), "padding_free": o.get("padding_free", False), **out})
    return cases


def schedule_tables():
    from transformers import get_scheduler

    tables = []
    for name, warm, total, extra in (("linear", 3, 20, {}), ("linear", 0, 10, {}), ("cosine", 3, 20, {}), ("cosine", 2, 12, {"num_cycles": 1.5}), ("constant", 0, 6, {}), ("constant_with_warmup", 4, 10, {}),
                                     ("polynomial", 3, 20, {}), ("polynomial", 2, 15, {"lr_end": 1e-5, "power": 2.0}), ("inverse_sqrt", 4, 20, {}), ("inverse_sqrt", 2, 12, {"timescale": 5}),
                                     ("cosine_with_restarts", 3, 24, {"num_cycles": 3}), ("cosine_with_min_lr", 3, 20, {"min_lr_rate": 0.1}),
                                     ("warmup_stable_decay", 3, 20, {"num_decay_steps": 6, "min_lr_ratio": 0.05})):
        warm, total = warm + pick(0, 1) * (warm > 0), total + pick(0, 5)
        p = torch.nn.Parameter(torch.zeros(1))
        base = pick(1e-3, 3e-4)
        optimizer = torch.optim.SGD([p], lr=base)
        scheduler = get_scheduler(name, optimizer, num_warmup_steps=warm, num_training_steps=total, scheduler_specific_kwargs=extra)
        rates = []
        for _ in range(total + 3):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        tables.append({"name": name, "base_lr": base, "num_warmup_steps": warm, "num_training_steps": total, "options": extra, "lr": rates})
    from transformers import TrainingArguments
    ratios = []
    for ratio, total in ((0.03, 100), (0.03, 10), (0.1, 33), (0.3, 5), (0.0, 7)):
        ratios.append([ratio, total, TrainingArguments(output_dir=str(OUT / "work"), warmup_steps=ratio, use_cpu=True).get_warmup_steps(total)])
        assert ratios[-1][2] == math.ceil(ratio * total)
    return {"tables": tables, "warmup_steps_from_ratio": ratios}


def train_setup(seed_offset):
    from transformers import LlamaConfig
    config = LlamaConfig(hidden_size=pick(32, 48), intermediate_size=pick(64, 80), num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=pick(160, 128),
                         max_position_embeddings=64, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return init_weights(AutoModelForCausalLM.from_config(config), SEED + seed_offset, gain=1.3)


def trainer_groups(model, weight_decay):
    """Weight decay on everything but biases and norms, as transformers.Trainer does it."""
    from transformers.trainer_pt_utils import get_parameter_names
    decay = [n for n in get_parameter_names(model, [torch.nn.LayerNorm], [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"])]
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    return [{"params": [p for n, p in named if n in decay], "weight_decay": weight_decay}, {"params": [p for n, p in named if n not in decay], "weight_decay": 0.0}], [n for n, _ in named if n in decay]


def train_loop(model, micro_batches, steps, accumulation, base_lr=1e-3, warm_ratio=0.3):
    """5 optimizer steps. micro_batches is a list of dicts; each step takes `accumulation` of them."""
    from transformers import get_scheduler
    groups, decay = trainer_groups(model, 0.01)
    optimizer = torch.optim.AdamW(groups, lr=base_lr, betas=(0.9, 0.999), eps=1e-8)
    scheduler = get_scheduler("cosine", optimizer, num_warmup_steps=math.ceil(warm_ratio * steps), num_training_steps=steps)
    log = {"losses": [], "lrs": [], "grad_norms": [], "num_items": []}
    model.train()
    for step in range(steps):
        group = micro_batches[step * accumulation:(step + 1) * accumulation]
        items = sum(int((b["labels"][:, 1:] != -100).sum()) for b in group)
        total = 0.0
        for b in group:
            loss = model(**b, num_items_in_batch=torch.tensor(items), use_cache=False).loss
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        log["losses"].append(total)
        log["lrs"].append(scheduler.get_last_lr()[0])
        log["grad_norms"].append(norm.item())
        log["num_items"].append(items)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    model.eval()
    return log, decay


def real_trainer(model, dataset, steps, accumulation, batch):
    """The same run by transformers.Trainer, in data order."""
    from transformers import Trainer, TrainingArguments

    class Ordered(Trainer):
        def _get_train_sampler(self, *args, **kwargs):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    work = OUT / "work"
    arguments = TrainingArguments(output_dir=str(work), max_steps=steps, per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation, learning_rate=1e-3,
                                  weight_decay=0.01, lr_scheduler_type="cosine", warmup_steps=0.3, max_grad_norm=1.0, logging_steps=1, report_to=[], save_strategy="no", use_cpu=True,
                                  disable_tqdm=True, optim="adamw_torch", seed=0, dataloader_num_workers=0, remove_unused_columns=False)
    trainer = Ordered(model=model, args=arguments, train_dataset=dataset, data_collator=lambda rows: {k: torch.stack([r[k] for r in rows]) for k in rows[0]})
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        trainer.train()
    shutil.rmtree(work, ignore_errors=True)
    return [row for row in trainer.state.log_history if "grad_norm" in row]


def make_training():
    from transformers import DataCollatorWithFlattening

    directory = fresh_dir("training")
    model = train_setup(700)
    save_model(model, directory / "model")
    start = {k: v.clone() for k, v in model.state_dict().items()}
    vocab = model.config.vocab_size

    def restore():
        model.load_state_dict(start)
        model.zero_grad(set_to_none=True)
        return model

    # Ten micro-batches of two padded rows; labels ignore the padding and a few prompt tokens.
    g = rng(710)
    examples = []
    for i in range(20):
        n = int(torch.randint(6, 15, (1,), generator=g))
        row = torch.randint(3, vocab, (n,), generator=g).tolist()
        pad = 16 - n
        ids, mask = torch.tensor(row + [0] * pad), torch.tensor([1] * n + [0] * pad)
        labels = torch.tensor([-100] * (2 + i % 3) + row[2 + i % 3:] + [-100] * pad)
        examples.append({"input_ids": ids, "attention_mask": mask, "labels": labels})
    batches = [{k: torch.stack([a[k], b[k]]) for k in a} for a, b in zip(examples[::2], examples[1::2])]
    tensors = {f"data.{k}": torch.stack([e[k] for e in examples]) for k in examples[0]}

    # One batch: loss and every gradient.
    restore()
    out = model(**batches[0], use_cache=False)
    out.loss.backward()
    single = {"rows": [0, 1], "loss": out.loss.item()}
    logits, labels = out.logits[:, :-1].float(), batches[0]["labels"][:, 1:]
    by_hand = -logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0][labels != -100].mean()
    close(by_hand.detach(), out.loss.detach(), 1e-6, "loss by hand")
    grads = {f"grad.{n}": p.grad for n, p in model.named_parameters()}
    assert all(v.abs().max() > 0 for v in grads.values())
    write_tensors(directory / "one_batch.safetensors", {"logits": out.logits, **grads})
    model.gradient_checkpointing_enable()
    restore()
    model.train()
    model(**batches[0], use_cache=False).loss.backward()
    for n, p in model.named_parameters():
        close(p.grad, grads[f"grad.{n}"] if p.grad is not grads[f"grad.{n}"] else p.grad, 1e-6, "checkpointed gradient")
    model.gradient_checkpointing_disable()

    runs, finals = {}, {}
    for name, accumulation in (("adamw", 1), ("adamw_accumulate_2", 2)):
        restore()
        log, decay = train_loop(model, batches, 5, accumulation)
        finals[name] = {k: v.clone() for k, v in model.state_dict().items()}
        moved = {k: (v - start[k]).abs().max().item() for k, v in finals[name].items()}
        assert min(moved.values()) > 1e-4, "every parameter must have been trained"
        theirs = restore()
        assert all(torch.equal(v, start[k]) for k, v in theirs.state_dict().items())
        history = real_trainer(theirs, examples, 5, accumulation, 2)
        for i, row in enumerate(history):
            assert abs(row["loss"] - log["losses"][i]) < 1e-4, (name, row, log["losses"][i])
            assert abs(row["grad_norm"] - log["grad_norms"][i]) < 1e-3 * log["grad_norms"][i], (name, i, row)
        worst = max((theirs.state_dict()[k].float() - v).abs().max().item() for k, v in finals[name].items())
        assert len(history) == 5 and worst < 2e-5, f"{name}: the Trainer differs by {worst}"
        runs[name] = {"accumulation": accumulation, "micro_batch_rows": 2, **log, "decayed_parameters": decay, "worst_difference_to_trainer": worst}
        write_tensors(directory / f"{name}_final.safetensors", finals[name])
    assert runs["adamw"]["grad_norms"][0] > 1.0, "clipping must act"

    # LoRA.
    lora_info = None
    if version("peft"):
        from peft import LoraConfig, get_peft_model
        restore()
        torch.manual_seed(SEED + 720)
        peft_model = get_peft_model(copy.deepcopy(model), LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"], bias="none", task_type="CAUSAL_LM"))
        g = rng(721)
        for n, p in sorted(peft_model.named_parameters()):
            if "lora_A" in n:
                p.data = torch.randn(p.shape, generator=g) * 0.2
        peft_model.save_pretrained(directory / "lora_start")
        log, decay = train_loop(peft_model, batches, 5, 1, base_lr=1e-2)
        peft_model.save_pretrained(directory / "lora_final")
        for part in ("lora_start", "lora_final"):
            (directory / part / "README.md").unlink(missing_ok=True)
            path = directory / part / "adapter_config.json"
            adapter = json.loads(path.read_text())
            adapter["base_model_name_or_path"] = "../model"
            path.write_text(json.dumps(adapter, indent=1, sort_keys=True) + "\n")
        with torch.no_grad():
            after = peft_model(batches[0]["input_ids"], attention_mask=batches[0]["attention_mask"]).logits
            merged = peft_model.merge_and_unload()
            close(merged(batches[0]["input_ids"], attention_mask=batches[0]["attention_mask"]).logits, after, 1e-4, "merged LoRA")
        write_tensors(directory / "lora_after.safetensors", {"logits_rows_0_1": after, **{f"merged.{k}": v for k, v in merged.state_dict().items() if "q_proj" in k or "v_proj" in k}})
        lora_info = {"peft": version("peft"), "r": 4, "lora_alpha": 8, "lr": 1e-2, **log, "decayed_parameters": decay}

    # Packed, padding-free.
    restore()
    rows = [[int(t) for t, m in zip(e["input_ids"], e["attention_mask"]) if m] for e in examples[:3]]
    flat = DataCollatorWithFlattening(return_tensors="pt")([{"input_ids": r, "labels": r} for r in rows])
    flat = {k: v for k, v in flat.items() if k in ("input_ids", "labels", "position_ids")}
    loss = model(**flat, use_cache=False).loss
    loss.backward()
    packed_grads = {n: p.grad.clone() for n, p in model.named_parameters()}
    restore()
    ids, mask, _ = left_pad([list(reversed(r)) for r in rows], 0)
    ids, mask = ids.flip(1), mask.flip(1)  # right padding
    padded_labels = ids.masked_fill(mask == 0, -100)
    padded = model(input_ids=ids, attention_mask=mask, labels=padded_labels, use_cache=False).loss
    padded.backward()
    assert abs(padded.item() - loss.item()) < 1e-5, (padded.item(), loss.item())
    for n, p in model.named_parameters():
        close(p.grad, packed_grads[n], 2e-5, "packed gradient " + n)
    wrong = model(input_ids=flat["input_ids"], labels=flat["labels"], use_cache=False).loss.item()
    assert abs(wrong - loss.item()) > 1e-3, "segments must matter"
    write_tensors(directory / "packed.safetensors", {f"grad.{n}": v for n, v in packed_grads.items()})
    packed = {"examples": rows, **{k: v[0].tolist() for k, v in flat.items()}, "loss": loss.item(), "padded_loss": padded.item(), "loss_if_segments_are_ignored": wrong}

    write_tensors(directory / "data.safetensors", tensors)
    write_json(directory / "expected.json", {
        "one_batch": single, "runs": runs, "lora": lora_info, "packed": packed,
        "optimizer": {"name": "AdamW", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01, "max_grad_norm": 1.0, "schedule": "cosine", "warmup_ratio": 0.3}})
    write_json(directory / "completion_only.json", {"cases": completion_cases()})
    write_json(directory / "schedules.json", schedule_tables())


# ---------------------------------------------------------------- 6. memory

def memory_configs():
    from transformers import GemmaConfig, LlamaConfig, MistralConfig, OPTConfig, Qwen2Config
    rope3 = lambda factor: dict(rope_type="llama3", rope_theta=500000.0, factor=factor, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
    opt = lambda h, f, l, a, **kw: OPTConfig(hidden_size=h, ffn_dim=f, num_hidden_layers=l, num_attention_heads=a, vocab_size=50272, max_position_embeddings=2048, **{"word_embed_proj_dim": h, **kw})
    if HELDOUT:
        return {
            "Llama-2-13b": LlamaConfig(hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40, vocab_size=32000, max_position_embeddings=4096),
            "Meta-Llama-3-8B": LlamaConfig(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256, max_position_embeddings=8192),
            "gemma-7b": GemmaConfig(hidden_size=3072, intermediate_size=24576, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=16, head_dim=256, vocab_size=256000),
            "opt-2.7b": opt(2560, 10240, 32, 32), "Qwen2-0.5B": Qwen2Config(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
            "SmolLM2-360M": LlamaConfig(hidden_size=960, intermediate_size=2560, num_hidden_layers=32, num_attention_heads=15, num_key_value_heads=5, vocab_size=49152, tie_word_embeddings=True),
        }
    return {
        "Mistral-7B-v0.1": MistralConfig(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8, vocab_size=32000, max_position_embeddings=32768, sliding_window=4096),
        "Llama-2-7b": LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32, vocab_size=32000, max_position_embeddings=4096),
        "Llama-3.2-1B": LlamaConfig(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, head_dim=64, vocab_size=128256, max_position_embeddings=131072, tie_word_embeddings=True, rope_parameters=rope3(32.0)),
        "gemma-2b": GemmaConfig(hidden_size=2048, intermediate_size=16384, num_hidden_layers=18, num_attention_heads=8, num_key_value_heads=1, head_dim=256, vocab_size=256000, max_position_embeddings=8192),
        "opt-125m": opt(768, 3072, 12, 12), "opt-350m": opt(1024, 4096, 24, 16, word_embed_proj_dim=512, do_layer_norm_before=False), "opt-1.3b": opt(2048, 8192, 24, 32),
        "SmolLM2-135M": LlamaConfig(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, vocab_size=49152, max_position_embeddings=8192, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=100000.0)),
    }


KNOWN_PARAMETERS = {"Mistral-7B-v0.1": 7241732096, "Llama-2-7b": 6738415616, "Llama-3.2-1B": 1235814400, "gemma-2b": 2506172416, "opt-125m": 125239296, "opt-350m": 331196416,
                    "opt-1.3b": 1315758080, "SmolLM2-135M": 134515008, "Meta-Llama-3-8B": 8030261248, "gemma-7b": 8537680896, "Llama-2-13b": 13015864320, "Qwen2-0.5B": 494032768}


def make_memory():
    from accelerate.utils import calculate_maximum_sizes
    from transformers import AutoModel

    directory = fresh_dir("memory")
    rows = []
    for name, config in memory_configs().items():
        with torch.device("meta"):
            full = AutoModelForCausalLM.from_config(config)
            base = AutoModel.from_config(config)
        count = lambda m: sum(p.numel() for p in {id(p): p for p in m.parameters()}.values())
        parameters, without = count(full), count(base)
        if name in KNOWN_PARAMETERS:
            assert parameters == KNOWN_PARAMETERS[name], (name, parameters)
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        kv_heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        kv_values = 2 * config.num_hidden_layers * kv_heads * head_dim
        cache = StaticCache(config, max_cache_len=3)
        cache.early_initialization(batch_size=1, num_heads=kv_heads, head_dim=head_dim, dtype=torch.float32, device="cpu")
        assert sum(l.keys.numel() + l.values.numel() for l in cache.layers) == 3 * kv_values
        sizes = {}
        for label, model in (("causal_lm", full), ("base_model", base)):
            total, (largest, layer_names) = calculate_maximum_sizes(model)
            sizes[label] = {"total_bytes_f32": int(total), "largest_layer_bytes_f32": int(largest), "largest_layer": sorted(layer_names)}
        buffers = lambda m: sum(b.numel() * 4 for b in m.buffers())
        f32 = parameters * 4
        rows.append({
            "model": name, "config": {k: v for k, v in config.to_dict().items() if k in ("hidden_size", "intermediate_size", "ffn_dim", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
                                      "head_dim", "vocab_size", "max_position_embeddings", "word_embed_proj_dim", "tie_word_embeddings", "do_layer_norm_before", "model_type")},
            "parameters": parameters, "parameters_without_lm_head": without, "lm_head_is_tied": bool(config.tie_word_embeddings), "buffer_bytes_f32": buffers(full),
            "weight_bytes": {"float32": f32, "float16": f32 // 2, "bfloat16": f32 // 2, "int8": f32 // 4, "int4": f32 // 8},
            "weight_bytes_without_lm_head": {"float32": without * 4, "float16": without * 2, "int8": without, "int4": without / 2},
            "accelerate": sizes, "adam_training_bytes_f32": {"model": f32, "gradients": f32, "optimizer": 2 * f32, "step": 4 * f32},
            "kv_bytes_per_token": {"float32": kv_values * 4, "float16": kv_values * 2}, "kv_values_per_token": kv_values,
            "static_cache_bytes_float16": {str(n): kv_values * 2 * n for n in (512, 2048, 4096)}})
    write_json(directory / "expected.json", {"unit": "bytes; GiB = 2**30", "models": rows})


# ---------------------------------------------------------------- main

AREAS = {"tokenizers": make_tokenizers, "models": make_models, "processors": make_processors, "generation": make_generation,
         "quantization": make_quantization, "training": make_training, "memory": make_memory}


def main():
    global OUT, HELDOUT, SEED, CORPUS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--heldout", action="store_true", help="other seeds and other shapes")
    parser.add_argument("--only", default=",".join(AREAS), help="comma-separated areas")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="text that the tokenizers are trained on")
    options = parser.parse_args()
    OUT, HELDOUT, SEED, CORPUS = options.out.resolve(), options.heldout, 50000 if options.heldout else 0, options.corpus
    OUT.mkdir(parents=True, exist_ok=True)
    for area in options.only.split(","):
        print(f"{area} ...", flush=True)
        AREAS[area]()
    shutil.rmtree(OUT / "work", ignore_errors=True)
    packages = ("torch", "transformers", "tokenizers", "safetensors", "accelerate", "numpy", "gguf", "bitsandbytes", "optimum-quanto", "peft", "autoawq", "auto-gptq", "gptqmodel", "aqlm")
    if options.only == ",".join(AREAS):
        write_json(OUT / "versions.json", {"set": "heldout" if HELDOUT else "tests", "seed": SEED, "python": sys.version.split()[0], "packages": {p: version(p) for p in packages}})
    total = sum(p.stat().st_size for p in OUT.rglob("*") if p.is_file())
    print(f"done: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
