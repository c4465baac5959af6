export const NEW_TOKENS = 48;
export const PROMPT = 16;
export const LONG_PROMPT = 512;

/** Ids that make no sense and need no tokenizer. */
export const prompt = (length: number): number[] => Array.from({ length }, (_, k) => 500 + ((k * 37) % 3000));

/** What one turn of an engine gives. */
export interface Round {
  /** Tokens a second. */
  readonly decode: number;
  readonly prefill: number;
  /** Time of a step of eight rows in steps of one; not for engines that are given one sequence alone. */
  readonly eightRows: number | undefined;
}

/** One engine with a model loaded. */
export interface Contestant {
  readonly name: string;
  /** Bytes of weights that a token reads. */
  readonly weightBytes: number;
  round(): Promise<Round>;
  dispose(): Promise<void>;
}
