/** The guide's end-to-end compilation of generate(), which here also stops at the end of the text (`--guide` takes its Gemma 2B). */
import { AutoModelForCausalLM, AutoTokenizer, compile } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("google/gemma-2b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForCausalLM.from_pretrained(name, { device_map: "auto" });

model.generate = compile(model.generate, { mode: "reduce-overhead", fullgraph: true });
const input_text = "The theory of special relativity states ";
const input_ids = tokenizer(input_text, { return_tensors: "pt" });

const { sequences, stats } = await model.generate(input_ids);
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
console.log(`${stats.new_tokens} tokens in ${stats.submits} submits`);
await model.dispose();
