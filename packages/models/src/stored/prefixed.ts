import type { Form } from "./form.ts";

/**
 * With or without the name of what holds the decoder: a base model saved by itself has no `model.`, old files of OPT
 * have none before `decoder.`, and a model inside another one has its name in front.
 */
export const prefixed: Form = {
  name: "under another prefix",
  candidates: (weight) => [
    ...(weight.startsWith("model.") ? [weight.slice("model.".length)] : []),
    ...(weight.startsWith("model.") ? [weight.replace(/^model\./, "transformer.")] : []),
    `model.${weight}`,
    `transformer.${weight}`,
  ],
};
