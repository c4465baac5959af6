import { countIn, textIn } from "../parts.ts";
import type { DecoderKind } from "./decoder.ts";

/** Takes a character away from both ends of each token, at most so many times. */
export const strip: DecoderKind = (settings) => {
  const content = textIn(settings, "content", "decoder");
  const start = countIn(settings, "start", "decoder");
  const stop = countIn(settings, "stop", "decoder");
  return (tokens) =>
    tokens.map((token) => {
      const letters = Array.from(token);
      let [from, to] = [0, letters.length];
      while (from < Math.min(start, to) && letters[from] === content) from += 1;
      while (to > from && letters.length - to < stop && letters[to - 1] === content) to -= 1;
      return letters.slice(from, to).join("");
    });
};
