/** The tokens of one step: one a row, undefined for rows that got none or ended before. */
export interface GenerationStep {
  readonly tokens: readonly (number | undefined)[];
}
