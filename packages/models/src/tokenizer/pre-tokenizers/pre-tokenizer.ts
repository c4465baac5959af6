import type { PartKind } from "../parts.ts";

/** Cuts a text into words, of which the model makes tokens. `isStart` tells whether it is the start of the whole text. */
export type PreTokenizer = (text: string, isStart: boolean) => readonly string[];

export type PreTokenizerKind = PartKind<PreTokenizer>;
