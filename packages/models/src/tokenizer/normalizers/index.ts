import type { JsonValue } from "../../files/index.ts";
import { createPart, listIn, type PartWorld, patternIn, textIn } from "../parts.ts";
import { trimEnd, trimStart } from "../white-space.ts";
import { bert } from "./bert.ts";
import { lowercase } from "./letters.ts";
import { nmt } from "./nmt.ts";
import type { Normalizer, NormalizerKind } from "./normalizer.ts";

export type { Normalizer } from "./normalizer.ts";

const unicodeForm =
  (type: "NFC" | "NFD" | "NFKC" | "NFKD"): NormalizerKind =>
  () => ({ type, normalize: (text) => text.normalize(type) });

const prepend: NormalizerKind = (settings) => {
  const before = textIn(settings, "prepend", "normalizer");
  return { type: "Prepend", normalize: (text) => (text === "" ? "" : before + text) };
};

const replace: NormalizerKind = (settings, world) => {
  const pattern = patternIn(settings, "normalizer", world);
  const content = textIn(settings, "content", "normalizer");
  // By a function, for `$` means nothing in the content.
  return { type: "Replace", normalize: (text) => text.replace(pattern, () => content) };
};

const strip: NormalizerKind = ({ strip_left: left = true, strip_right: right = true }) => ({
  type: "Strip",
  normalize(text) {
    const rest = left === true ? trimStart(text) : text;
    return right === true ? trimEnd(rest) : rest;
  },
});

const MARKS = /\p{M}/gu;

const KINDS: Readonly<Record<string, NormalizerKind>> = {
  BertNormalizer: bert,
  Lowercase: () => ({ type: "Lowercase", normalize: lowercase }),
  NFC: unicodeForm("NFC"),
  NFD: unicodeForm("NFD"),
  NFKC: unicodeForm("NFKC"),
  NFKD: unicodeForm("NFKD"),
  Nmt: nmt,
  Precompiled: (settings, { precompiled }) => ({
    type: "Precompiled",
    normalize: precompiled(settings),
  }),
  Prepend: prepend,
  Replace: replace,
  Sequence: (settings, world) => {
    const steps = listIn(settings, "normalizers").map((part) => createNormalizer(part, world));
    return {
      type: "Sequence",
      steps,
      normalize: (text) => steps.reduce((done, step) => step.normalize(done), text),
    };
  },
  Strip: strip,
  StripAccents: () => ({ type: "StripAccents", normalize: (text) => text.replace(MARKS, "") }),
};

/** The normalizer that a part of tokenizer.json describes; one that is not built is refused by its type. */
export const createNormalizer = (part: JsonValue, world: PartWorld): Normalizer =>
  createPart("normalizer", KINDS, part, world);
