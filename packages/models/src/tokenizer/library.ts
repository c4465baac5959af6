import { FusewireError } from "@fusewire/ir";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import type { JsonObject } from "../files/index.ts";

/** What of the library is used. Stated here because its own types do not resolve under every module resolution. */
export interface Library {
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null;
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

interface Decoder {
  readonly config: { readonly type?: string };
  readonly decoders?: readonly Decoder[];
  text_decoder?: { decode(bytes: Uint8Array): string };
}

const STAND_IN = "text";

/** The library's tokenizer, and the ids that its post-processor puts before and after every text. */
export function createLibrary(
  json: JsonObject,
  eosToken: string | undefined,
): { readonly library: Library; readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  const parts = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
  // tokenizer_config.json may hold settings of old Python tokenizers, which tokenizer.json overrides: not passed on.
  const config = eosToken === undefined ? {} : { eos_token: eosToken };
  try {
    const library = new LibraryTokenizer({ ...parts, ...json }, config) as unknown as Library;
    if (library.decoder) repairByteFallback(library.decoder);
    return { library, ...frameOf(library) };
  } catch (cause) {
    if (cause instanceof FusewireError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FusewireError(
      `tokenizer.json cannot be used (${reason}); download it again, or convert the tokenizer to a supported type`,
      { cause },
    );
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Hugging Face gives one replacement character for each byte of a run of byte tokens that is not UTF-8 as a whole,
 * and keeps a byte order mark; the library does neither.
 */
function repairByteFallback(decoder: Decoder): void {
  for (const inner of decoder.decoders ?? []) repairByteFallback(inner);
  if (decoder.config.type !== "ByteFallback") return;
  decoder.text_decoder = {
    decode(bytes) {
      try {
        return strictUtf8.decode(bytes);
      } catch {
        return "\ufffd".repeat(bytes.length);
      }
    },
  };
}

/** A post-processor puts fixed tokens around a text; seen once with a stand-in, they hold for every text. */
function frameOf(library: Library) {
  const process = (tokens: string[]): string[] =>
    library.post_processor?.(tokens, null, true).tokens ?? tokens;
  const [framed, bare] = [process([STAND_IN]), process([])];
  // A special token may have the stand-in's name, hence the comparison.
  const at = framed.findIndex((token, i) => token === STAND_IN && token !== bare[i]);
  if (at < 0 || framed.length !== bare.length + 1)
    throw new FusewireError(
      "the post-processor of tokenizer.json does not keep a text as one piece, which is not supported; convert the tokenizer",
    );
  const ids = bare.map((token) => {
    const id = library.token_to_id(token);
    if (id !== undefined) return id;
    throw new FusewireError(
      `the post-processor of tokenizer.json adds '${token}', which the vocabulary lacks; download the file again`,
    );
  });
  return { prefix: ids.slice(0, at), suffix: ids.slice(at) };
}
