import type { PartKind } from "../parts.ts";

/** Rewrites a text before it is cut into words. */
export interface Normalizer {
  readonly type: string;
  normalize(text: string): string;
  /** The parts of a Sequence. */
  readonly steps?: readonly Normalizer[];
}

export type NormalizerKind = PartKind<Normalizer>;
