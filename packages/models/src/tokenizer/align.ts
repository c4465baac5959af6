import { FusewireError } from "@fusewire/ir";
import type { Normalizer } from "./normalizers/index.ts";

/** A range of UTF-16 units of a text. */
export type Span = readonly [start: number, end: number];

/** A normalized text and, for each of its UTF-16 units, where in the given text it comes from. */
export interface AlignedText {
  readonly text: string;
  readonly origins: readonly Span[];
}

/** Normalizes a text and keeps track of where each character comes from. `base` is where the text starts. */
export function alignNormalized(normalizer: Normalizer | undefined, text: string, base: number): AlignedText {
  const origins: Span[] = [];
  for (const char of text) {
    const start = base + origins.length;
    for (let unit = 0; unit < char.length; unit++) origins.push([start, start + char.length]);
  }
  return stepsOf(normalizer).reduce(applyStep, { text, origins });
}

const stepsOf = (normalizer: Normalizer | undefined): readonly Normalizer[] => {
  if (!normalizer) return [];
  return normalizer.steps?.flatMap(stepsOf) ?? [normalizer];
};

// A letter with its combining marks, or a Hangul syllable: what Unicode normalization may join or reorder.
const CLUSTER = /.(?:\p{M}|[\u1160-\u11ff])*/gsu;

function applyStep(from: AlignedText, step: Normalizer): AlignedText {
  const text = step.normalize(from.text);
  if (text === from.text) return from;
  const [first] = from.origins;
  if (step.type === "Prepend" && first)
    return {
      text,
      origins: [...new Array<Span>(text.length - from.text.length).fill(first), ...from.origins],
    };

  let rebuilt = "";
  const origins: Span[] = [];
  for (const { 0: cluster, index } of from.text.matchAll(CLUSTER)) {
    const normalized = step.normalize(cluster);
    rebuilt += normalized;
    const sources: Span[] = [];
    let at = index;
    for (const char of cluster) {
      sources.push(from.origins[at]!);
      at += char.length;
    }
    // The characters in order; what a character grows into belongs to it, what a joined one has swallowed to none.
    [...normalized].forEach((char, i) => {
      const source = sources[Math.min(i, sources.length - 1)]!;
      for (let unit = 0; unit < char.length; unit++) origins.push(source);
    });
  }
  if (rebuilt !== text)
    throw new FusewireError(
      `offsets of tokens are not known for this text and the normalizer '${step.type}' of tokenizer.json; leave out return_offsets_mapping and return_assistant_tokens_mask`,
    );
  return { text, origins };
}
