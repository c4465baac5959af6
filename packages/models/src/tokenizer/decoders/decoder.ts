import type { PartKind } from "../parts.ts";

/** One step from tokens to text. What the last step gives is joined. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

export type DecoderKind = PartKind<Decoder>;
