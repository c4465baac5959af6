/** Repairs of the library's decoders, where they differ from Hugging Face's. */

/** A decoder of the library, as far as it is used here. */
export interface Decoder {
  readonly config: {
    readonly type?: string;
    readonly prepend_scheme?: string;
    readonly add_prefix_space?: boolean;
    readonly replacement?: string;
  };
  readonly decoders?: readonly Decoder[];
  text_decoder?: { decode(bytes: Uint8Array): string };
  decode_chain?: (tokens: readonly string[]) => string[];
}

export function repairDecoder(decoder: Decoder): void {
  for (const inner of decoder.decoders ?? []) repairDecoder(inner);
  if (decoder.config.type === "ByteFallback") repairByteFallback(decoder);
  if (decoder.config.type === "Metaspace") repairMetaspace(decoder);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Hugging Face gives one replacement character for each byte of a run of byte tokens that is not UTF-8 as a whole,
 * and keeps a byte order mark; the library does neither.
 */
function repairByteFallback(decoder: Decoder): void {
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

/** Marks of the first token are dropped, all of them, unless none is ever put there: the library always drops one. */
function repairMetaspace(decoder: Decoder): void {
  const { replacement = "▁", prepend_scheme: scheme, add_prefix_space: prefix = true } = decoder.config;
  const keepsFirst = (scheme ?? (prefix ? "always" : "never")) === "never";
  decoder.decode_chain = (tokens) =>
    tokens.map((token, i) => token.replaceAll(replacement, i === 0 && !keepsFirst ? "" : " "));
}
