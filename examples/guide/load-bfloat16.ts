/** The guide's "load in half precision": weights stay bfloat16 as they are stored (`--guide` takes its Mistral 7B). */
import { AutoModelForCausalLM } from "fusewire";
import { modelFor } from "../support/models.ts";

const model = await AutoModelForCausalLM.from_pretrained(modelFor("mistralai/Mistral-7B-v0.1"), {
  torch_dtype: "bfloat16",
  device_map: "auto",
});
const held = model.runtime.engine.held().bytes / 2 ** 20;
console.log(`${model.config.modelType} on ${model.device}: ${held.toFixed(1)} MiB held`);
await model.dispose();
