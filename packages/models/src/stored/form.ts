/** The names that a weight of the graph may have in a checkpoint, the likeliest first, under one way of keeping it. */
export interface Form {
  /** What `show` and errors call it. */
  readonly name: string;
  readonly candidates: (weight: string, model: TiedModel) => readonly string[];
}

/** What forms may know of the model. */
export interface TiedModel {
  /** The embedding that is the output matrix as well, where config.json says so. */
  readonly tied: string | undefined;
}

/** The output matrix, as every family calls it. */
export const HEAD = "lm_head.weight";
