import type { Form } from "./form.ts";

/** Under the name that transformers gives it. */
export const plain: Form = { name: "plain", candidates: (weight) => [weight] };
