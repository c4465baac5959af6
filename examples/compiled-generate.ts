/** All of `generate` on the device, several steps a submit, up to the end of the text: `npx tsx examples/compiled-generate.ts`. */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer, compile } from "fusewire";

const directory = embeddedModel("tales");
const tokenizer = await AutoTokenizer.from_pretrained(directory);
const model = await AutoModelForCausalLM.from_pretrained(directory);
const inputs = tokenizer("The dragon was");
const options = { max_new_tokens: 48, do_sample: true, temperature: 0.7, seed: 3 };

const plain = await model.generate(inputs, options);
model.generate = compile(model.generate, { mode: "reduce-overhead" });
const compiled = await model.generate(inputs, options);

console.log(tokenizer.batch_decode(compiled.sequences, { skip_special_tokens: true })[0]);
console.log(`${compiled.stats.new_tokens} tokens in ${compiled.stats.submits} submits`);
console.log(
  `step by step: ${plain.stats.submits} submits, ${String(plain.sequences) === String(compiled.sequences) ? "the same" : "other"} tokens`,
);
await model.dispose();
