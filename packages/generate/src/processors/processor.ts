import type { Node, Value } from "@fusewire/ir";

/** What a processor may look at while it is traced. B rows, of which row b holds lengths[b] tokens. */
export interface ScoreContext {
  /** i32[B, C]: the tokens of each row so far, prompt included, pads not. */
  readonly ids: Node;
  /** i32[B] */
  readonly lengths: Node;
  /** Tokens a filter must leave (Hugging Face min_tokens_to_keep). */
  readonly keep: number;
}

/** What a processor's data is made from, for each run. */
export interface EncodeContext {
  /** Rows of the program; those past `prompts` only fill it. */
  readonly batch: number;
  readonly eos: readonly number[];
  /** Real tokens of each row's prompt. */
  readonly prompts: readonly number[];
  /** Length of the input with its pads, which Hugging Face counts in lengths. */
  readonly width: number;
  /** Whether forced_bos_token_id forces the token behind a prompt of one. */
  readonly forcesFirst?: boolean;
  /** New tokens at most. */
  readonly maxNew: number;
}

/** A processor's part in one program. */
export interface Encoded {
  /** Data for this run, by name. Their shapes belong to the program. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** A number that is built into the program; each makes one of its own. */
  readonly fixed?: number;
}

/** A traced rewrite of the scores before a token is chosen. Its option is data, so that no value of it compiles anything. */
export interface Processor {
  /** The key of GenerationConfig that holds its option. */
  readonly option: string;
  /** Whether it applies only where tokens are sampled (a Hugging Face warper). */
  readonly samplingOnly: boolean;
  /** The value that changes nothing, for those that every sampling program has because callers vary them. */
  readonly neutral?: number;
  /** The data for a value; undefined where that value changes nothing here. */
  readonly encode: (value: unknown, context: EncodeContext) => Encoded | undefined;
  /** scores: f32[B, V]; result f32[B, V]. */
  readonly apply: (
    scores: Node,
    inputs: Readonly<Record<string, Node>>,
    context: ScoreContext,
    fixed: number,
  ) => Node;
}
