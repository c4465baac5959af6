import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonValue, kindOf } from "../files/index.ts";
import { createPart, listIn, type PartKind, type PartWorld } from "./parts.ts";

/** Ids that stand before and after every text. */
export interface Frame {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

const NOTHING: Frame = { prefix: [], suffix: [] };

/** The frame that a post-processor of tokenizer.json puts around one text. */
export function createFrame(part: JsonValue, world: PartWorld): Frame {
  return createPart("post-processor", KINDS, part, world);
}

/** [CLS] text [SEP], each written as [token, id]. */
const pair: PartKind<Frame> = (settings) => {
  const idOf = (key: string): number => {
    const value = settings[key];
    const id = Array.isArray(value) ? value[1] : undefined;
    if (typeof id === "number") return id;
    throw damaged(`'${key}' is ${kindOf(value)}, expected [token, id]`);
  };
  return { prefix: [idOf("cls")], suffix: [idOf("sep")] };
};

const template: PartKind<Frame> = ({ single, special_tokens: tokens }) => {
  if (!Array.isArray(single)) throw damaged(`'single' is ${kindOf(single)}, expected a list`);
  const at = single.findIndex(isText);
  if (at < 0 || single.some((piece: JsonValue, i: number) => i !== at && isText(piece)))
    throw new FusewireError(
      "the post-processor of tokenizer.json does not keep a text as one piece, which is not supported; convert the tokenizer",
    );
  const idsOf = (piece: JsonValue): readonly number[] => {
    const name = isJsonObject(piece) && isJsonObject(piece.SpecialToken) ? piece.SpecialToken.id : undefined;
    const entry = isJsonObject(tokens) && typeof name === "string" ? tokens[name] : undefined;
    const ids = isJsonObject(entry) ? entry.ids : undefined;
    if (Array.isArray(ids) && ids.every((id) => typeof id === "number")) return ids;
    throw damaged(
      `'special_tokens' has no ids of ${name === undefined ? kindOf(piece) : `'${String(name)}'`}`,
    );
  };
  return { prefix: single.slice(0, at).flatMap(idsOf), suffix: single.slice(at + 1).flatMap(idsOf) };
};

/**
 * Each puts its frame around that of the one before. But a template hands on its pieces as several texts, and what
 * comes next would take them for a pair.
 */
const sequence: PartKind<Frame> = (settings, world) => {
  const parts = listIn(settings, "processors");
  const frames = parts.map((part) => createFrame(part, world));
  const first = parts.findIndex((part, i) => isTemplate(part) && adds(frames[i]));
  if (first >= 0 && frames.slice(first + 1).some(adds))
    throw new FusewireError(
      "the post-processor of tokenizer.json adds tokens behind a TemplateProcessing, which is not supported; write one TemplateProcessing for all",
    );
  return frames.reduce(
    (inner, outer) => ({
      prefix: [...outer.prefix, ...inner.prefix],
      suffix: [...inner.suffix, ...outer.suffix],
    }),
    NOTHING,
  );
};

const adds = (frame: Frame | undefined): boolean =>
  frame !== undefined && frame.prefix.length + frame.suffix.length > 0;

const KINDS: Readonly<Record<string, PartKind<Frame>>> = {
  BertProcessing: pair,
  // Only trims offsets.
  ByteLevel: () => NOTHING,
  RobertaProcessing: pair,
  Sequence: sequence,
  TemplateProcessing: template,
};

const isTemplate = (part: JsonValue): boolean => isJsonObject(part) && part.type === "TemplateProcessing";
const isText = (piece: JsonValue): boolean => isJsonObject(piece) && isJsonObject(piece.Sequence);

const damaged = (reason: string): FusewireError =>
  new FusewireError(`the post-processor of tokenizer.json is damaged: ${reason}; download the file again`);
