const SMALL_FILES = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
  "model.safetensors.index.json",
]);

/** What code here may ask for. Pickles, ONNX and GGUF are never downloaded, whoever asks. */
export const isReadable = (name: string): boolean => /\.(?:json|jinja|txt|safetensors)$/.test(name);

/** The part of a repository that a model needs: settings, tokenizer, chat templates and one set of weights. */
export function wantedFiles(names: readonly string[]): string[] {
  const weights = weightFiles(names.filter((name) => !name.includes("/") && name.endsWith(".safetensors")));
  return names.filter(
    (name) =>
      SMALL_FILES.has(name) ||
      /^additional_chat_templates\/[^/]+\.jinja$/.test(name) ||
      weights.includes(name),
  );
}

// Some repositories hold the weights twice more: whole beside shards, and in their author's own layout.
function weightFiles(names: readonly string[]): readonly string[] {
  if (names.includes("model.safetensors")) return ["model.safetensors"];
  const shards = names.filter((name) => /^model-\d+-of-\d+\.safetensors$/.test(name));
  return shards.length > 0 ? shards : names;
}
