/** Which operands a product's epilogue has, by its flags; an op that takes no residual has no such flag. */
export interface EpilogueFlags {
  readonly bias: boolean;
  readonly residual?: boolean;
}

/** The operands of activation(product + bias) + residual, each where there is one. */
export interface Epilogue<T> {
  readonly bias: T | undefined;
  readonly residual: T | undefined;
}

/** What the inputs behind those of a product are: the bias first, the residual last. */
export const epilogueOf = <T>(
  rest: readonly T[],
  { bias, residual = false }: EpilogueFlags,
): Epilogue<T> => ({
  bias: bias ? rest[0] : undefined,
  residual: residual ? rest.at(-1) : undefined,
});
