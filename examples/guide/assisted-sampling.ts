/** The guide's speculative decoding, sampled (`--guide` takes its OPT models). */
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("facebook/opt-1.3b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const inputs = tokenizer("Einstein's theory of relativity states", { return_tensors: "pt" });

const model = await AutoModelForCausalLM.from_pretrained(name, { torch_dtype: "auto" });
const assistant_model = await AutoModelForCausalLM.from_pretrained(
  modelFor("facebook/opt-125m", "tales-draft"),
);
const { sequences, stats } = await model.generate(inputs, {
  assistant_model,
  do_sample: true,
  temperature: 0.7,
});
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
console.log(`${stats.new_tokens} tokens in ${stats.rounds.length} rounds`);
await assistant_model.dispose();
await model.dispose();
