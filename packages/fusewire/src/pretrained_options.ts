/** What each option of `AutoModelForCausalLM.from_pretrained` does: validation and docs/compatibility.md read this table. */
export const PRETRAINED_OPTIONS = {
  dtype:
    "`auto` (as stored), `float32`, `bfloat16`, `float16`: how weights are kept; arithmetic is f32. `q8` and `q4`: quantized while loading, as are `{bits, group}` with other groups",
  torch_dtype: "the older name of `dtype`",
  device: "`auto` or the name of a device",
  threads: "threads of device `wasm`; as many as the machine has unless given",
  max_memory:
    "what weights, caches and scratch memory may take on `wasm` and `webgpu`: bytes, or a size such as `6GiB`",
  attn_implementation: "`sdpa` (a kernel), `eager` (plain products and softmax) or `flash_attention_2`",
  cache_dtype:
    "`float32`, `float16` or `int8`: how keys and values are kept; with `int8` each token and head has a scale of its own",
  buckets:
    "`{batch, chunk, capacity}`: the rows, prompt tokens and cache slots that programs are compiled for; what lies between is padded. `{batch: [1, 2, 4, 8, 16, 32], chunk: [8, 64, 256], capacity: 512}`, rows and slots doubling beyond",
  disable_passes: "passes of the compiler to leave out, by name",
  progress_callback:
    "called with `{weight, loaded, total}` after each weight, and with `{file, loaded, total, status}` for files that are downloaded",
  wasm_paths: "where a page finds the binaries of `eager:wasm`: a folder, or a URL for each file",
  revision: "branch, tag or commit of a model on the hub; `main` unless given",
  token: "for gated and private models; else `HF_TOKEN`, else that of `hf auth login`; `false`: none",
  cache_dir: "else `HF_HUB_CACHE`, else `HF_HOME`/hub, else `~/.cache/huggingface/hub`; Node only",
  cache:
    "pages only: whether what was downloaded is kept for the next visit; `true` unless given. `cache.list()` and `cache.delete(name)` look after it",
  local_files_only:
    "take what is cached; `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` and `FUSEWIRE_OFFLINE` do the same",
  endpoint: "another hub; else `HF_ENDPOINT`, else `https://huggingface.co`",
  gguf_file:
    "the name of a GGUF file in the folder, or among the files that are given: it has weights, settings and tokenizer",
  signal: "stops downloads; what has arrived is kept",
} as const;
