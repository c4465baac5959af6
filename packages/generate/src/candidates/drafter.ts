/** Proposes tokens that one step of the model then verifies. */
export interface Drafter {
  /** Drafts for each row, given all its tokens; none for rows that are done. `room` is what each may still gain. */
  propose(rows: readonly Drafting[]): Promise<number[][]>;
  /** Tells what became of the drafts: the tokens each row gained, and how many of its drafts are among them. */
  settle(outcomes: readonly Outcome[]): Promise<void>;
}

export interface Drafting {
  readonly ids: readonly number[];
  readonly room: number;
  readonly done: boolean;
}

export interface Outcome {
  readonly gained: readonly number[];
  readonly accepted: number;
  readonly done: boolean;
}
