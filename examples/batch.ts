/** Four prompts of different lengths at once, sampled: `npx tsx examples/batch.ts`. */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";

const directory = embeddedModel("tales");
const tokenizer = await AutoTokenizer.from_pretrained(directory);
const model = await AutoModelForCausalLM.from_pretrained(directory);

const prompts = [
  "The king",
  "One day, a little girl",
  "In a house by the sea there lived",
  "Tom had a red ball.",
];
const inputs = tokenizer(prompts, { padding: true, padding_side: "left" });
const { sequences, stats } = await model.generate(inputs, {
  max_new_tokens: 24,
  do_sample: true,
  temperature: 0.8,
  top_p: 0.95,
  seed: 7,
});
for (const text of tokenizer.batch_decode(sequences, { skip_special_tokens: true })) console.log(`- ${text}`);
console.log(`${stats.new_tokens} tokens, ${stats.tokens_per_second.toFixed(1)} a second`);
await model.dispose();
