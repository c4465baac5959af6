import { FusewireError } from "@fusewire/ir";

/** What models take: what a tokenizer returns. Pads may stand anywhere. Without a mask `generate` infers it. */
export interface ModelInputs {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask?: readonly (readonly number[])[];
}

/** Inputs as Hugging Face's code prepares them. */
export interface PositionedInputs extends ModelInputs {
  /** Checked where given: each row's tokens stand behind those before them. */
  readonly position_ids?: readonly (readonly number[])[];
}

/** A batch without pads: rows of their own lengths, and where each stood in the padded input. */
export interface Rows {
  readonly rows: readonly (readonly number[])[];
  /** Pads before each row's last token: without gaps the index of its first token in the padded input. */
  readonly starts: readonly number[];
  /** Length of the padded input. */
  readonly width: number;
}

/**
 * The inputs with the mask that Hugging Face infers where none is given: pad tokens count as pads, unless the pad token
 * is an end token as well, which could not be told from a text's own.
 */
export function withInferredMask(
  inputs: ModelInputs,
  { pad, eos }: { readonly pad: number | undefined; readonly eos: readonly number[] },
): ModelInputs {
  const { input_ids, attention_mask } = inputs;
  if (attention_mask || pad === undefined || eos.includes(pad)) return inputs;
  if (!input_ids.some((row) => row.includes(pad))) return inputs;
  return { ...inputs, attention_mask: input_ids.map((row) => row.map((id) => (id === pad ? 0 : 1))) };
}

/** Every row several times, one after another. */
export function repeatRows({ input_ids, attention_mask }: ModelInputs, times: number): ModelInputs {
  const repeat = (rows: readonly (readonly number[])[]) =>
    rows.flatMap((row) => new Array<readonly number[]>(times).fill(row));
  return {
    input_ids: repeat(input_ids),
    ...(attention_mask && { attention_mask: repeat(attention_mask) }),
  };
}

/** What the inputs are called where they are given. */
interface InputNames {
  readonly ids: string;
  readonly mask: string;
}

const PROMPT: InputNames = { ids: "input_ids", mask: "attention_mask" };

/** Turns the padded batch that Hugging Face users pass into rows, checking every id. */
export function toRows(
  { input_ids, attention_mask }: ModelInputs,
  vocabSize: number,
  names: InputNames = PROMPT,
): Rows {
  const width = input_ids[0]?.length ?? 0;
  if (input_ids.length === 0 || width === 0)
    throw new FusewireError(`${names.ids} is empty; a prompt needs at least one token`);
  const lengths = input_ids.map((row) => row.length);
  if (lengths.some((length) => length !== width))
    throw new FusewireError(
      `the rows of ${names.ids} have different lengths (${lengths.join(", ")}); pad them, as tokenizer(texts, {padding: true}) does`,
    );
  if (attention_mask) checkMask(attention_mask, lengths, names);
  const starts: number[] = [];
  const rows = input_ids.map((row, b) => {
    const mask = attention_mask?.[b] ?? row.map(() => 1);
    const end = mask.lastIndexOf(1) + 1;
    if (end === 0)
      throw new FusewireError(`row ${b} of ${names.mask} is all pads; a prompt needs at least one token`);
    // Positions count real tokens and pads are never attended to, so one in the midst may as well not be there.
    const real = row.filter((_, i) => mask[i] === 1);
    const bad = real.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (bad !== undefined)
      throw new FusewireError(
        `row ${b} of ${names.ids} holds ${bad}, which is outside the vocabulary 0 to ${vocabSize - 1}; encode with the model's own tokenizer`,
      );
    starts.push(end - real.length);
    return real;
  });
  return { rows, starts, width };
}

function checkMask(
  mask: readonly (readonly number[])[],
  lengths: readonly number[],
  names: InputNames,
): void {
  const shape = mask.map((row) => row.length);
  if (shape.length !== lengths.length || shape.some((length, b) => length !== lengths[b]))
    throw new FusewireError(
      `${names.mask} has rows of ${shape.join(", ")}, ${names.ids} of ${lengths.join(", ")}; they must have the same shape`,
    );
  const bad = mask.flat().find((value) => value !== 0 && value !== 1);
  if (bad !== undefined) throw new FusewireError(`${names.mask} holds ${bad}; it may hold only 0 and 1`);
}

/** Positions follow from the mask and what is held before it, so given ones that differ are an error. */
export function checkPositions(
  positions: readonly (readonly number[])[],
  { rows, starts }: Pick<Rows, "rows" | "starts">,
  held: readonly number[],
): void {
  for (const [b, row] of rows.entries())
    for (let t = 0; t < row.length; t++) {
      const given = positions[b]?.[starts[b]! + t];
      if (given !== held[b]! + t)
        throw new FusewireError(
          `position_ids has ${given} for token ${t} of row ${b}, which is at position ${held[b]! + t}; leave it out`,
        );
    }
}
