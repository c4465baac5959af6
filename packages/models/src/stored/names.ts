import { HEAD, type Keeping } from "./form.ts";

/** What holds the decoder in one family or another. */
const PREFIXES = ["model.", "transformer.", "gpt_neox."];

/** The names that a weight may have in a checkpoint, the likeliest first. */
export const candidates = (weight: string, { tied }: Pick<Keeping, "tied">): readonly string[] => [
  ...new Set([
    weight,
    ...underOtherPrefixes(weight),
    // A tied embedding may have been kept as the head alone.
    ...(weight === tied ? [HEAD, ...underOtherPrefixes(HEAD)] : []),
  ]),
];

/**
 * With or without the name of what holds the decoder: a base model saved by itself has none, old files of OPT have none
 * before `decoder.`, and a model inside another one has its name in front.
 */
function underOtherPrefixes(weight: string): readonly string[] {
  const own = PREFIXES.find((prefix) => weight.startsWith(prefix));
  const bare = own === undefined ? [] : [weight.slice(own.length)];
  return [
    ...bare,
    ...(own === "model." ? bare.map((name) => `transformer.${name}`) : []),
    `model.${weight}`,
    `transformer.${weight}`,
  ];
}
