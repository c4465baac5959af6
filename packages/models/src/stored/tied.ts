import { type Form, HEAD } from "./form.ts";
import { prefixed } from "./prefixed.ts";

/** A tied embedding that was kept as the head alone. */
export const tied: Form = {
  name: "as the head that it is tied to",
  candidates: (weight, model) => (weight === model.tied ? [HEAD, ...prefixed.candidates(HEAD, model)] : []),
};
