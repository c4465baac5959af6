/** Proposes tokens that one step of the model then verifies. */
export interface Drafter {
  /** Drafts for each row, given all its tokens; none for rows that are done. `room` is what each may still gain. */
  propose(rows: readonly Drafting[]): Promise<readonly Draft[]>;
  /** Tells what became of the drafts. */
  settle(outcomes: readonly Outcome[]): void;
}

export interface Drafting {
  readonly ids: readonly number[];
  readonly room: number;
  readonly done: boolean;
}

/** What is proposed for one row. */
export interface Draft {
  readonly tokens: readonly number[];
  /** The distribution f32[V] each token was drawn from; left out where they were not drawn. */
  readonly probabilities?: readonly Float32Array[];
}

/** What became of a row's drafts: the first `accepted` were right. */
export interface Outcome {
  readonly accepted: number;
}
