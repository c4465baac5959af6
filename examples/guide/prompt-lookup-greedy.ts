/** The guide's prompt lookup, greedy: drafts come from the text itself (`--guide` takes its OPT model). */
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("facebook/opt-1.3b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const inputs = tokenizer("The second law of thermodynamics states", { return_tensors: "pt" });

const model = await AutoModelForCausalLM.from_pretrained(name, { torch_dtype: "auto" });
const { sequences, stats } = await model.generate(inputs, {
  prompt_lookup_num_tokens: 3,
});
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
console.log(`${stats.new_tokens} tokens in ${stats.rounds.length} rounds`);
await model.dispose();
