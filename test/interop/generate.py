"""Random calls of generate with what transformers makes of them, as JSON lines: generate.py COUNT SEED DIRECTORY..."""

import json
import math
import random
import sys
import warnings
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, logging

warnings.filterwarnings("ignore")
logging.set_verbosity_error()

# These models are too small for threads.
torch.set_num_threads(1)
count, seed, folders = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
rng = random.Random(seed)
pick = rng.choice

models = {}


def model_of(folder):
    if folder not in models:
        models[folder] = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return models[folder]


def ids(vocab, least=1, most=4):
    return [rng.randrange(vocab) for _ in range(rng.randint(least, most))]


# Each option with a way to draw it from the size of the vocabulary and the prompts. They are drawn in pairs and triples.
OPTIONS = {
    "min_new_tokens": lambda v, rows: rng.randint(0, 8),
    "min_length": lambda v, rows: rng.randint(0, 20),
    "repetition_penalty": lambda v, rows: pick([0.6, 1.0, 1.2, 1.9]),
    "no_repeat_ngram_size": lambda v, rows: rng.randint(0, 4),
    "encoder_repetition_penalty": lambda v, rows: pick([0.6, 1.3]),
    "encoder_no_repeat_ngram_size": lambda v, rows: rng.randint(1, 3),
    "bad_words_ids": lambda v, rows: [ids(v, 1, 3) for _ in range(rng.randint(1, 9))],
    "sequence_bias": lambda v, rows: [[ids(v, 1, 3), pick([-9.0, 2.5, 6.0])] for _ in range(rng.randint(1, 9))],
    "suppress_tokens": lambda v, rows: ids(v, 1, 12),
    "begin_suppress_tokens": lambda v, rows: ids(v, 1, 12),
    "forced_bos_token_id": lambda v, rows: rng.randrange(v),
    "forced_eos_token_id": lambda v, rows: pick([rng.randrange(v), ids(v, 2, 3)]),
    "exponential_decay_length_penalty": lambda v, rows: [rng.randint(0, 5), pick([1.05, 1.5])],
    "remove_invalid_values": lambda v, rows: pick([True, False]),
    "renormalize_logits": lambda v, rows: pick([True, False]),
    "num_beams": lambda v, rows: rng.randint(1, 5),
    "num_return_sequences": lambda v, rows: rng.randint(1, 3),
    "length_penalty": lambda v, rows: pick([-1.0, 0.0, 0.5, 2.0]),
    "early_stopping": lambda v, rows: pick([True, False, "never"]),
    "prompt_lookup_num_tokens": lambda v, rows: rng.randint(1, 6),
    "max_matching_ngram_size": lambda v, rows: rng.randint(1, 3),
    "guidance_scale": lambda v, rows: pick([1.0, 1.5, 3.0]),
    "eos_token_id": lambda v, rows: pick([rng.randrange(v), ids(v, 2, 6), None]),
    "pad_token_id": lambda v, rows: rng.randrange(v),
    "use_cache": lambda v, rows: pick([True, False]),
    "cache_implementation": lambda v, rows: pick(["static", "dynamic"]),
    "max_length": lambda v, rows: rng.randint(1, 24),
    "temperature": lambda v, rows: pick([0.5, 1.0, 2.0]),
    "top_k": lambda v, rows: pick([1, 5, 50]),
    "top_p": lambda v, rows: pick([0.3, 0.9, 1.0]),
    "min_p": lambda v, rows: pick([0.05, 0.5]),
    "typical_p": lambda v, rows: pick([0.5, 0.95]),
    "top_h": lambda v, rows: pick([0.4, 0.9]),
    "epsilon_cutoff": lambda v, rows: pick([0.0, 0.02]),
    "eta_cutoff": lambda v, rows: pick([0.0, 0.02]),
    "do_sample": lambda v, rows: True,
    "watermarking_config": lambda v, rows: {"bias": 3.0, "greenlist_ratio": 0.4, "context_width": rng.randint(1, 2)},
    "assistant": lambda v, rows: True,
}


def draw(folder):
    vocab = model_of(folder).config.get_text_config().vocab_size
    rows = [ids(vocab, 1, 10) for _ in range(pick([1, 1, 2, 3]))]
    # Loops are what prompt lookup and n-grams are about.
    if rng.random() < 0.4:
        rows = [row * 2 for row in rows]
    width = max(len(row) for row in rows) + pick([0, 0, 2])
    pad = rng.randrange(vocab)
    inputs = {
        "input_ids": [[pad] * (width - len(row)) + row for row in rows],
        "attention_mask": [[0] * (width - len(row)) + [1] * len(row) for row in rows],
    }
    options = {"max_new_tokens": rng.randint(1, 12), "pad_token_id": pad}
    if rng.random() < 0.1:
        del options["max_new_tokens"]
    for name in rng.sample(list(OPTIONS), pick([1, 2, 2, 3, 3])):
        options[name] = OPTIONS[name](vocab, rows)
    # Drafting takes one row in transformers, and several texts need beams or draws: mostly what works is asked for.
    if rng.random() < 0.9:
        if "prompt_lookup_num_tokens" in options or "assistant" in options:
            inputs = {name: value[:1] for name, value in inputs.items()}
        if "num_return_sequences" in options and "do_sample" not in options:
            options["num_beams"] = max(options.get("num_beams", 3), options["num_return_sequences"])
    return inputs, options


def plain(number):
    """JSON has neither infinity nor NaN."""
    return number if math.isfinite(number) else 1e30 if number > 0 else -1e30


def run(folder, inputs, options):
    """The sequences; for a call that draws tokens the scores of the first step; and how near tokens were to be others."""
    model = model_of(folder)
    given = {name: value for name, value in options.items() if name != "assistant"}
    if "sequence_bias" in given:
        given["sequence_bias"] = [list(pair) for pair in given["sequence_bias"]]
    if options.get("assistant"):
        given["assistant_model"] = model
    # A call changes the settings of models that lack some.
    before = model.generation_config.to_dict()
    torch.manual_seed(0)
    try:
        out = model.generate(
            **{name: torch.tensor(value) for name, value in inputs.items()},
            **given,
            return_dict_in_generate=True,
            output_scores=True,
        )
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:400]}
    finally:
        model.generation_config = type(model.generation_config).from_dict(before)
    result = {"sequences": out.sequences.tolist()}
    if out.scores:
        # Of each step the distance between the two best scores of the rows.
        result["margins"] = [
            [plain(float(best[0] - best[1])) for best in step.float().topk(2, dim=-1).values] for step in out.scores
        ]
        if options.get("do_sample"):
            result["first_scores"] = [
                [None if value == -float("inf") else plain(value) for value in row]
                for row in out.scores[0].float().tolist()
            ]
    if getattr(out, "sequences_scores", None) is not None:
        result["sequences_scores"] = [plain(score) for score in out.sequences_scores.tolist()]
    return result


# What looks at the tokens of a prompt sees its pads in transformers.
SEE_PADS = ["repetition_penalty", "no_repeat_ngram_size", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size",
            "sequence_bias", "bad_words_ids", "watermarking_config", "prompt_lookup_num_tokens"]


def run_alone(folder, inputs, options):
    """Each row without its pads."""
    rows = zip(inputs["input_ids"], inputs["attention_mask"])
    real = [[token for token, kept in zip(*row) if kept] for row in rows]
    return [run(folder, {"input_ids": [row], "attention_mask": [[1] * len(row)]}, options) for row in real]


for _ in range(count):
    folder = pick(folders)
    inputs, options = draw(folder)
    answer = run(folder, inputs, options)
    padded = any(0 in row for row in inputs["attention_mask"])
    if padded and any(name in options for name in SEE_PADS) and "error" not in answer:
        answer["alone"] = run_alone(folder, inputs, options)
    print(json.dumps({"folder": folder, "inputs": inputs, "options": options, **answer}), flush=True)
