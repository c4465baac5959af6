import { FusewireError } from "@fusewire/ir";

/** Options of token ids, and the ids that a value holds. */
const IDS: Readonly<Record<string, (value: unknown) => readonly number[]>> = {
  bad_words_ids: (value) => (value as readonly (readonly number[])[]).flat(),
  sequence_bias: (value) =>
    (value as readonly (readonly [readonly number[], number])[]).flatMap(([ids]) => ids),
  suppress_tokens: (value) => [value as number | readonly number[]].flat(),
  begin_suppress_tokens: (value) => [value as number | readonly number[]].flat(),
  forced_bos_token_id: (value) => [value as number],
  forced_eos_token_id: (value) => [value as number | readonly number[]].flat(),
};

/** Throws for ids that no token has. Hugging Face says nothing of those in suppress_tokens, which could only be a mistake. */
export function checkIds(values: Readonly<Record<string, unknown>>, vocabSize: number): void {
  for (const [option, idsOf] of Object.entries(IDS)) {
    const value = values[option] ?? undefined;
    const bad = value === undefined ? undefined : idsOf(value).find((id) => id >= vocabSize);
    if (bad !== undefined)
      throw new FusewireError(
        `${option} holds ${bad}, which is outside the vocabulary 0 to ${vocabSize - 1}; encode with the model's own tokenizer`,
      );
  }
}
