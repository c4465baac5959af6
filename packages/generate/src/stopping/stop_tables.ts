import { FusewireError, toValue, type Value } from "@fusewire/ir";
import type { Tokenizer } from "@fusewire/models";

/** Sizes of the tables; they are part of a program, what the strings are is data. */
export interface StopShape {
  readonly vocabulary: number;
  /** Tokens at the end of a row that are looked at. */
  readonly window: number;
  /** Classes of tokens that differ in how they match. */
  readonly classes: number;
  /** Ways in which a last token may overlap the end of one of the strings. */
  readonly ends: number;
  /** Places in a string where a token fits. */
  readonly places: number;
}

/** How the tokens of a vocabulary match a set of stop strings. */
export interface StopTables {
  readonly shape: StopShape;
  /**
   * `stop.class` i32[V]: class of each token; class 0 matches nothing. `stop.table` i32[N, E + E·P + 1]: of each class
   * the overlaps with the strings' ends, the places where it fits by the same columns, all counted in bytes from the
   * string's end and filled with -1, and the token's length. `stop.length` i32[E]: length of each column's string.
   */
  readonly inputs: Readonly<Record<string, Value>>;
}

/** Sizes that most stop strings stay within. */
const LEAST = { window: 16, classes: 256, strings: 4, overlaps: 4, places: 4 } as const;

/** A power of two, and no less than what others need, so that most strings share a program. */
const room = (count: number, least: number): number => 2 ** Math.ceil(Math.log2(Math.max(least, count)));

/**
 * Tables that find stop strings in a text of tokens as it grows (Hugging Face StopStringCriteria): a string is found
 * when the last token ends it or holds its end, whatever the token holds after it. A string that no token of the
 * vocabulary can end is an error.
 */
export function stopTables(
  tokenizer: Pick<Tokenizer, "token_bytes">,
  strings: readonly string[],
  vocabSize: number,
): StopTables {
  const targets = strings.map((text) => new TextEncoder().encode(text));
  const texts = Array.from({ length: vocabSize }, (_, id) => tokenizer.token_bytes(id));
  const matches = texts.map((token) => targets.map((target) => (token ? matchToken(token, target) : NONE)));
  const most = (of: (match: Match) => number) =>
    matches.reduce((largest, match) => Math.max(largest, ...match.map(of)), 0);
  const overlaps = room(
    most(({ ends }) => ends.length),
    LEAST.overlaps,
  );
  const places = room(
    most((match) => match.places.length),
    LEAST.places,
  );
  for (const [s, text] of strings.entries())
    if (matches.every((match) => match[s]!.ends.length === 0))
      throw new FusewireError(
        `stop_strings: no token of the vocabulary can end '${text}', so it would never be found; check its characters`,
      );

  const count = room(strings.length, LEAST.strings);
  const columns = count * overlaps;
  const filled = (values: readonly number[], size: number) =>
    Array.from({ length: size }, (_, k) => values[k] ?? -1);
  const rowOf = (match: readonly Match[], length: number): number[] => {
    const all = Array.from({ length: count }, (_, s) => match[s] ?? NONE);
    return [
      ...all.flatMap(({ ends }) => filled(ends, overlaps)),
      ...all.flatMap((one) => new Array(overlaps).fill(filled(one.places, places)).flat() as number[]),
      length,
    ];
  };
  const rows = [rowOf([], 0)];
  const classOf = new Map<string, number>();
  const classes = matches.map((match, id) => {
    if (match.every((one) => one === NONE)) return 0;
    // Where a token fits nowhere before another, nobody asks for its length.
    const length = match.some(({ places }) => places.length > 0) ? texts[id]!.length : 0;
    const name = `${length} ${match.map(({ ends, places }) => `${ends}:${places}`).join()}`;
    const known = classOf.get(name) ?? rows.push(rowOf(match, length)) - 1;
    classOf.set(name, known);
    return known;
  });
  const shape: StopShape = {
    vocabulary: vocabSize,
    window: room(Math.max(...targets.map((target) => target.length)), LEAST.window),
    classes: room(rows.length, LEAST.classes),
    ends: columns,
    places,
  };
  while (rows.length < shape.classes) rows.push(rows[0]!);
  const lengths = Array.from({ length: columns }, (_, k) => targets[Math.floor(k / overlaps)]?.length ?? 1);
  return {
    shape,
    inputs: {
      "stop.class": toValue({ dtype: "i32", shape: [vocabSize] }, classes),
      "stop.table": toValue({ dtype: "i32", shape: [shape.classes, rows[0]!.length] }, rows.flat()),
      "stop.length": toValue({ dtype: "i32", shape: [columns] }, lengths),
    },
  };
}

/** How one token matches one string, in bytes from the string's end. */
interface Match {
  /** Bytes of the string's end that the token covers where it is the last one. */
  readonly ends: readonly number[];
  /** How many bytes of the string stand behind the token where it is not the last one. */
  readonly places: readonly number[];
}

const NONE: Match = { ends: [], places: [] };

function matchToken(token: Uint8Array, target: Uint8Array): Match {
  // Most tokens neither hold a string's last byte nor end in one of its bytes.
  const fits = token.length === 0 || target.includes(token.at(-1)!) || token.includes(target.at(-1)!);
  if (!fits) return NONE;
  const ends: number[] = [];
  const places: number[] = [];
  for (let end = 1; end <= token.length; end++) {
    const overlap = Math.min(end, target.length);
    if (agree(token, end, target, target.length, overlap)) ends.push(overlap);
  }
  for (let behind = 1; behind < target.length; behind++) {
    const overlap = Math.min(token.length, target.length - behind);
    // A token without text fits anywhere.
    if (agree(token, token.length, target, target.length - behind, overlap)) places.push(behind);
  }
  return ends.length + places.length === 0 ? NONE : { ends: [...new Set(ends)], places };
}

/** Whether the `count` bytes before `aEnd` in a and before `bEnd` in b are the same. */
function agree(a: Uint8Array, aEnd: number, b: Uint8Array, bEnd: number, count: number): boolean {
  for (let k = 1; k <= count; k++) if (a[aEnd - k] !== b[bEnd - k]) return false;
  return true;
}
