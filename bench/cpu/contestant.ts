/** Tokens a second. */
export interface Round {
  readonly decode: number;
  readonly prefill: number;
}

/** One engine with a model loaded. */
export interface Contestant {
  readonly name: string;
  /** Bytes that it says it holds. */
  readonly bytes: number | undefined;
  round(): Promise<Round>;
  dispose(): Promise<void>;
}
