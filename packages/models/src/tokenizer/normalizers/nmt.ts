import type { NormalizerKind } from "./normalizer.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken away.
const CONTROLS = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

/** SentencePiece's rules for machine translation: control characters go, what is like a space becomes one. */
export const nmt: NormalizerKind = () => ({
  type: "Nmt",
  normalize: (text) => text.replace(CONTROLS, "").replace(SPACES, " "),
});
