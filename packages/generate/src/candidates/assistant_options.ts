/** How an assistant drafts; Hugging Face reads these from the assistant's generation config. */
export interface AssistantOptions {
  /** Drafts in the first round. */
  readonly numTokens: number;
  /** `heuristic`: two more after a round of right drafts, one fewer after another; `heuristic_transient`: the same, forgotten at the end. */
  readonly schedule: "constant" | "heuristic" | "heuristic_transient";
  /** A row stops drafting after a token less likely than this. */
  readonly threshold: number;
  /** Whether the threshold follows what became of the drafts; see `bestThreshold`. */
  readonly adaptive: boolean;
  /** Keeps what `heuristic` has come to for the next generation. */
  readonly remember: (numTokens: number) => void;
}
