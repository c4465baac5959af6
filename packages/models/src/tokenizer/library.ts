import { FusewireError } from "@fusewire/ir";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import { type Decoder, repairDecoder } from "./decoders.ts";
import { createPreTokenizer, type PreTokenizer } from "./pre-tokenizers/index.ts";

/** What of the library is used. Stated here because its own types do not resolve under every module resolution. */
export interface Library {
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly model: ((pieces: string[]) => string[]) & { readonly unk_token_id: number | undefined };
  readonly decoder: Decoder | null;
  readonly post_processor: ((tokens: string[], pair: null, special: boolean) => { tokens: string[] }) | null;
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

export interface Normalizer {
  (text: string): string;
  readonly config: { readonly type?: string };
  readonly normalizers?: readonly (Normalizer | null)[];
}

const STAND_IN = "text";

/** The library's reading of a pattern, by way of a tokenizer that has nothing else. */
export function patternOf(pattern: JsonObject): RegExp {
  const split = { type: "Split", pattern, behavior: "Isolated", invert: true };
  const nothing = { added_tokens: [], normalizer: null, decoder: null, post_processor: null };
  const tokenizer = new LibraryTokenizer(
    { ...nothing, model: { type: "BPE", vocab: {}, merges: [] }, pre_tokenizer: split } as never,
    {},
  );
  const { pattern: regex } = tokenizer.pre_tokenizer as unknown as { readonly pattern: RegExp | null };
  if (regex) return regex;
  throw new FusewireError(
    `a pattern of tokenizer.json is ${JSON.stringify(pattern)}, expected { "String": … } or { "Regex": … }; download the file again`,
  );
}

/** The library's tokenizer, and the ids that its post-processor puts before and after every text. */
export function createLibrary(
  json: JsonObject,
  eosToken: string | undefined,
): { readonly library: Library; readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  const parts = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
  // tokenizer_config.json may hold settings of old Python tokenizers, which tokenizer.json overrides: not passed on.
  const config = eosToken === undefined ? {} : { eos_token: eosToken };
  try {
    // Pre-tokenizers are our own: the library drops some of their settings.
    const made = new LibraryTokenizer(
      { ...parts, ...json, pre_tokenizer: null },
      config,
    ) as unknown as Library;
    const preTokenizer = json.pre_tokenizer ?? null;
    const library = Object.assign(made, {
      pre_tokenizer: preTokenizer === null ? null : createPreTokenizer(preTokenizer, { patternOf }),
    });
    if (library.decoder) repairDecoder(library.decoder);
    return { library, ...frameOf(library, json.post_processor) };
  } catch (cause) {
    if (cause instanceof FusewireError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FusewireError(
      `tokenizer.json cannot be used (${reason}); download it again, or convert the tokenizer to a supported type`,
      { cause },
    );
  }
}

/** A post-processor puts fixed tokens around a text; seen once with a stand-in, they hold for every text. */
function frameOf(library: Library, postProcessor: JsonValue | undefined) {
  const process = (tokens: string[]): string[] =>
    library.post_processor?.(tokens, null, true).tokens ?? tokens;
  const [framed, bare] = [process([STAND_IN]), process([])];
  // A special token may have the stand-in's name, hence the comparison.
  const at = framed.findIndex((token, i) => token === STAND_IN && token !== bare[i]);
  if (at < 0 || framed.length !== bare.length + 1)
    throw new FusewireError(
      "the post-processor of tokenizer.json does not keep a text as one piece, which is not supported; convert the tokenizer",
    );
  const named = templateIds(postProcessor);
  const idsOf = (token: string): readonly number[] => {
    const id = library.token_to_id(token);
    const ids = named.get(token) ?? (id === undefined ? undefined : [id]);
    if (ids) return ids;
    throw new FusewireError(
      `the post-processor of tokenizer.json adds '${token}', which the vocabulary lacks; download the file again`,
    );
  };
  return { prefix: bare.slice(0, at).flatMap(idsOf), suffix: bare.slice(at).flatMap(idsOf) };
}

/** Ids of special tokens that a template names in its own way. */
function templateIds(part: JsonValue | undefined): ReadonlyMap<string, readonly number[]> {
  if (!isJsonObject(part)) return new Map();
  const inner = Array.isArray(part.processors) ? part.processors : [];
  const own = isJsonObject(part.special_tokens) ? Object.entries(part.special_tokens) : [];
  return new Map([
    ...inner.flatMap((processor: JsonValue) => [...templateIds(processor)]),
    ...own.flatMap(([name, token]) =>
      isJsonObject(token) && Array.isArray(token.ids) ? [[name, token.ids.map(Number)] as const] : [],
    ),
  ]);
}
