/** The guide's basic use of a static cache: one setting, and a compiled forward pass (`--guide` takes its Gemma 2B). */
import { AutoModelForCausalLM, AutoTokenizer, compile } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("google/gemma-2b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForCausalLM.from_pretrained(name, { torch_dtype: "auto", device_map: "auto" });

model.generation_config.cache_implementation = "static";

model.forward = compile(model.forward, { mode: "reduce-overhead", fullgraph: true });
const input_text = "The theory of special relativity states ";
// Left padding to a few lengths avoids recompilation in Hugging Face; here lengths are padded to buckets in any case.
const input_ids = tokenizer(input_text, {
  return_tensors: "pt",
  padding: true,
  padding_side: "left",
  pad_to_multiple_of: 8,
});

const { sequences } = await model.generate(input_ids);
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
await model.dispose();
