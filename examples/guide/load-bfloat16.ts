/**
 * The guide's "load in half precision": weights stay bfloat16 as they are stored. The guide's own model, after
 * downloading it: `npx tsx examples/guide/load-bfloat16.ts path/to/Mistral-7B-v0.1`.
 */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM } from "fusewire";

const directory = process.argv[2] ?? embeddedModel("tales");
const model = await AutoModelForCausalLM.from_pretrained(directory, {
  torch_dtype: "bfloat16",
  device_map: "auto",
});
console.log(
  `${model.config.modelType} on ${model.device}: ${(model.runtime.engine.held().bytes / 2 ** 20).toFixed(1)} MB held`,
);
await model.dispose();
