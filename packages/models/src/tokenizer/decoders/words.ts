import { cleanUpToken } from "../clean-up.ts";
import { textIn, wordIn } from "../parts.ts";
import { PREPEND_SCHEMES } from "../pre-tokenizers/metaspace.ts";
import type { DecoderKind } from "./decoder.ts";

/** Decoders that put the spaces between words back. */

/** Marks become spaces. Those of the first token are dropped, all of them, unless none is ever put there. */
export const metaspace: DecoderKind = (settings) => {
  const { replacement = "▁" } = settings;
  const scheme = wordIn(
    settings,
    "prepend_scheme",
    "decoder",
    PREPEND_SCHEMES,
    settings.add_prefix_space === false ? "never" : "always",
  );
  return (tokens) =>
    tokens.map((token, i) => token.replaceAll(String(replacement), i === 0 && scheme !== "never" ? "" : " "));
};

/** Tokens are words, but for those that begin with the prefix. */
export const wordPiece: DecoderKind = ({ prefix = "##", cleanup = true }) => {
  const continuation = String(prefix);
  return (tokens) =>
    tokens.map((token, i) => {
      const isInside = token.startsWith(continuation);
      const rest = isInside ? token.slice(continuation.length) : ` ${token}`;
      const text = i === 0 ? token : rest;
      return cleanup === true ? cleanUpToken(text) : text;
    });
};

/** The suffix ends a word. */
export const bpe: DecoderKind = (settings) => {
  const suffix = textIn(settings, "suffix", "decoder");
  return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? "" : " "));
};

/** Connectionist temporal classification: repeated tokens are one, and pads separate. */
export const ctc: DecoderKind = (settings) => {
  const pad = textIn(settings, "pad_token", "decoder");
  const space = textIn(settings, "word_delimiter_token", "decoder");
  return (tokens) =>
    tokens
      .filter((token, i) => token !== tokens[i - 1])
      .map((token) => token.replaceAll(pad, ""))
      .map((token) => (settings.cleanup === true ? cleanUpToken(token).replaceAll(space, " ") : token))
      .filter((token) => token !== "");
};
