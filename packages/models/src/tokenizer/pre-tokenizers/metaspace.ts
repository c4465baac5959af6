import { wordIn } from "../parts.ts";
import type { PreTokenizerKind } from "./pre-tokenizer.ts";

export const PREPEND_SCHEMES = ["always", "first", "never"] as const;

/** SentencePiece's words: spaces become `▁`, one may be put in front, and each begins a word. */
export const metaspace: PreTokenizerKind = (settings) => {
  const { replacement = "▁", split = true } = settings;
  const mark = String(replacement);
  // Older files say add_prefix_space.
  const scheme = wordIn(
    settings,
    "prepend_scheme",
    "pre-tokenizer",
    PREPEND_SCHEMES,
    settings.add_prefix_space === false ? "never" : "always",
  );
  return (text, isStart) => {
    const marked = text.replaceAll(" ", mark);
    const prepends = scheme === "always" || (scheme === "first" && isStart);
    const whole = prepends && !marked.startsWith(mark) ? mark + marked : marked;
    if (split !== true) return [whole];
    return whole
      .split(mark)
      .flatMap((word, i) => (i === 0 ? [word] : [mark + word]))
      .filter((word) => word !== "");
  };
};
