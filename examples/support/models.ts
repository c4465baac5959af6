import { embeddedModel } from "@fusewire/models/node";

/** The model an example runs on: one that comes along, or with `--guide` the one in Hugging Face's guide, from the hub. */
export const modelFor = (guide: string, embedded: "tales" | "tales-draft" = "tales"): string =>
  process.argv.includes("--guide") ? guide : embeddedModel(embedded);
