import { fileURLToPath } from "node:url";

/** The folder of a model that comes with this package: small Llama models that tell stories. */
export const embeddedModel = (name: "tales" | "tales-draft"): string =>
  fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
