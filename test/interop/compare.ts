import type { GenerationResult } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";

/** What transformers made of a call. */
interface Answer {
  readonly error?: string;
  readonly sequences?: readonly (readonly number[])[];
  /** Of each step and row the distance between the two best scores. */
  readonly margins?: readonly (readonly number[])[];
  /** Scores of the first step, where tokens are drawn; null for tokens that cannot be. */
  readonly first_scores?: readonly (readonly (number | null)[])[];
  readonly sequences_scores?: readonly number[];
}

/** A call and its answer; `alone` are those that each row gets without its pads, where an option looks at them. */
export interface Case extends Answer {
  readonly folder: string;
  readonly inputs: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly alone?: readonly Answer[];
}

export type Verdict =
  | { readonly kind: "equal" | "rounding" }
  | { readonly kind: "listed" | "different"; readonly why: string };

/** A difference on purpose, as docs/compatibility.md has it. */
interface Listed {
  readonly why: string;
  /** What transformers says where it refuses what is done here. */
  readonly python?: RegExp;
  /** What is said here where transformers goes on. */
  readonly here?: RegExp;
}

const LISTED: readonly Listed[] = [
  {
    why: "drafts take one row there and any number here",
    python: /assisted generate is only supported for batch_size = 1/,
  },
  {
    why: "generation always uses the cache, which drafts need",
    python: /Assisted decoding requires a cache/,
  },
  { why: "no end token beside a penalty on its length", python: /Could not infer dtype of NoneType/ },
  { why: "options that exclude each other", here: / exclude each other: |both draft; give one of them/ },
];

/** Scores closer than this may change places by rounding. */
const NEAR = 1e-5;
/** How far sums of rounded numbers may be apart. */
const SCORES = 2e-4;

export function compare(one: Case, here: GenerationResult | FusewireError): Verdict {
  if (here instanceof FusewireError) {
    if (one.error !== undefined) return { kind: "equal" };
    return listedOr((rule) => rule.here?.test(here.message) ?? false, `refused here: ${here.message}`);
  }
  if (one.error !== undefined)
    return listedOr((rule) => rule.python?.test(one.error!) ?? false, `refused in Python: ${one.error}`);
  const compareWith = one.options.do_sample ? compareScores : compareTokens;
  const verdict = compareWith(one, here);
  if (verdict.kind !== "different" || !one.alone) return verdict;
  const rows = one.alone.map((answer, p) => compareWith(...unpadded(one, answer, here, p)));
  return rows.every(({ kind }) => kind !== "different")
    ? { kind: "listed", why: "pads in front of a prompt are not seen" }
    : verdict;
}

/** The answer to one prompt without its pads, and the part of ours that belongs to it. */
function unpadded(one: Case, answer: Answer, here: GenerationResult, p: number): [Case, GenerationResult] {
  const { input_ids, attention_mask } = one.inputs;
  const pads = attention_mask![p]!.filter((kept) => kept === 0).length;
  const texts = here.sequences.length / input_ids!.length;
  const longest = Math.max(...(answer.sequences ?? []).map((row) => row.length));
  const part = <T>(rows: readonly T[] | undefined): T[] => (rows ?? []).slice(p * texts, (p + 1) * texts);
  return [
    { ...one, ...answer, inputs: { input_ids: [input_ids![p]!.slice(pads)] } },
    {
      ...here,
      // Rows of other prompts may have gone on for longer.
      sequences: part(here.sequences).map((row) => row.slice(pads, pads + longest)),
      ...(here.sequences_scores && { sequences_scores: part(here.sequences_scores) }),
      ...(here.scores && { scores: here.scores.map((rows) => part(rows)) }),
    },
  ];
}

function listedOr(matches: (rule: Listed) => boolean, why: string): Verdict {
  const rule = LISTED.find(matches);
  return rule ? { kind: "listed", why: rule.why } : { kind: "different", why };
}

function compareTokens(
  { inputs, sequences, margins, sequences_scores }: Case,
  here: GenerationResult,
): Verdict {
  if (JSON.stringify(here.sequences) === JSON.stringify(sequences)) return { kind: "equal" };
  const both = `Python ${JSON.stringify(sequences)}\n  here   ${JSON.stringify(here.sequences)}`;
  if (sequences_scores && here.sequences_scores) {
    // Beams of equal worth may come in any order, and any of them may be left out.
    const near = sequences_scores.every((score, b) => Math.abs(score - here.sequences_scores![b]!) < SCORES);
    return near ? { kind: "rounding" } : { kind: "different", why: both };
  }
  const width = inputs.input_ids![0]!.length;
  const rounded = sequences!.every((row, b) => {
    const at = row.findIndex((id, i) => id !== here.sequences[b]?.[i]);
    return at < 0 ? row.length === here.sequences[b]!.length : (margins?.[at - width]?.[b] ?? 1) < NEAR;
  });
  return rounded ? { kind: "rounding" } : { kind: "different", why: both };
}

/** Tokens are drawn by other random numbers there: what they are drawn from must be the same. */
function compareScores({ first_scores }: Case, here: GenerationResult): Verdict {
  // With drafts there are none here.
  if (!first_scores || !here.scores) return { kind: "equal" };
  for (const [b, row] of first_scores.entries()) {
    const scores = here.scores?.[0]?.[b];
    if (!scores) return { kind: "different", why: `row ${b} has no scores here` };
    const at = row.findIndex((score, id) => {
      const own = scores[id]!;
      return score === null
        ? own !== -Infinity
        : !(Math.abs(score - own) <= SCORES * Math.max(1, Math.abs(score)));
    });
    if (at >= 0)
      return { kind: "different", why: `row ${b}, token ${at}: Python ${row[at]}, here ${scores[at]}` };
  }
  return { kind: "equal" };
}
