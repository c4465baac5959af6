"""Copies the part of a whole set's `quantization` folder that is committed: python reduce_quantization.py WHOLE OUT.

Layers: a case of each kind, with what a checkpoint has of it and the weight that it stands for. Models: three
directories, with logits and tokens and without the dequantized weights; and a GGUF file, with blocks of each type.
"""

import json
import shutil
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

LAYERS = {
    "bitsandbytes": ["nf4_10x50_float32", "nf4_double_160x112_float32", "fp4_double_12x48_float16", "int8_24x64_rows5_threshold6.0"],
    "gptq": ["2bit_sym_g32", "2bit_sym_g32_desc_v2", "3bit_asym_g-1", "3bit_asym_g32_desc", "4bit_asym_g32_v2", "4bit_asym_g32_zero_wraps", "8bit_asym_g32_desc"],
    "awq": ["gemm_32x64_g32", "gemv_32x64_g32", "gemv_64x128_g128"],
    "quanto": ["qint8_13x48", "qint4_24x160", "qint2_13x48", "qfloat8_e4m3fn_13x48"],
    "aqlm": ["2x8_group1x8", "1x10_group1x8", "1x8_group2x4"],
}
MODELS = ["bnb-nf4-double", "gptq-4bit-desc-act", "ct-w4a16", "fp8-block"]
EXPECTED = ["batch.logits", "batch.decode_logits"]

whole, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
tensors, cases = {}, []
for method, names in LAYERS.items():
    listed = {case["case"]: case for case in json.loads((whole / f"{method}.json").read_text())["cases"]}
    arrays = load_file(whole / f"{method}.safetensors")
    for name in names:
        case = listed[name]
        keys = ("bits", "group_size", "desc_act", "sym", "checkpoint_format", "version", "zero_point", "weights", "in_features")
        cases.append({"method": method, "case": name} | {key: case[key] for key in keys if key in case})
        wanted = [key for key in arrays if key.startswith(f"{name}/checkpoint.") or key == f"{name}/dequantized"]
        tensors |= {f"{method}/{key}": arrays[key] for key in wanted}
save_file(tensors, out / "layers.safetensors")
(out / "layers.json").write_text(json.dumps(cases, indent=1) + "\n")
for name in MODELS:
    source, target = whole / "models" / name, out / name
    target.mkdir(exist_ok=True)
    for file in ("config.json", "generation_config.json", "model.safetensors", "expected.json"):
        shutil.copy(source / file, target / file)
    arrays = load_file(source / "expected.safetensors")
    save_file({key: arrays[key] for key in EXPECTED}, target / "expected.safetensors")

(out / "gguf").mkdir(exist_ok=True)
for file in ("tiny-llama.gguf", "expected.json", "blocks.json"):
    shutil.copy(whole / "gguf" / file, out / "gguf" / file)
blocks = load_file(whole / "gguf" / "blocks.safetensors")
save_file({key: blocks[key] for key in blocks if not key.endswith("/float")}, out / "gguf" / "blocks.safetensors")
arrays = load_file(whole / "gguf" / "expected.safetensors")
save_file({key: arrays[key] for key in EXPECTED}, out / "gguf" / "expected.safetensors")
