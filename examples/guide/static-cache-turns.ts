/** The guide's static cache that generate() is given, and goes on from (`--guide` takes its Gemma 2B). */
import { AutoModelForCausalLM, AutoTokenizer, compile, StaticCache } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("google/gemma-2b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForCausalLM.from_pretrained(name, { device_map: "auto" });

model.forward = compile(model.forward, { mode: "reduce-overhead", fullgraph: true });
const input_text = "The theory of special relativity states ";
const input_ids = tokenizer(input_text, { return_tensors: "pt" });
const prompt_length = input_ids.input_ids[0]!.length;
model.generation_config.max_new_tokens = 16;

const past_key_values = new StaticCache({
  config: model.config,
  max_batch_size: 1,
  // With the new tokens of both calls.
  max_cache_len: prompt_length + model.generation_config.max_new_tokens * 2,
  device: model.device,
});
let outputs = await model.generate(input_ids, { past_key_values });
console.log(tokenizer.batch_decode(outputs.sequences, { skip_special_tokens: true }));

// Pass in the generated text and the same cache to go on from where it ended.
outputs = await model.generate({ input_ids: outputs.sequences }, { past_key_values });
console.log(tokenizer.batch_decode(outputs.sequences, { skip_special_tokens: true }));
console.log(`${outputs.stats.cached_tokens} of ${outputs.stats.prompt_tokens} tokens were in the cache`);
past_key_values.dispose();
await model.dispose();
