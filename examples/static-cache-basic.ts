/** A static cache by one setting, kept over calls; nothing is compiled after warm-up: `npx tsx examples/static-cache-basic.ts`. */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer, compileStats, failOnRecompile } from "fusewire";

const directory = embeddedModel("tales");
const tokenizer = await AutoTokenizer.from_pretrained(directory);
const model = await AutoModelForCausalLM.from_pretrained(directory);

model.generation_config.cache_implementation = "static";
await model.warmup({ batch_size: [1, 2], max_length: 256 });
console.log(`${compileStats(model).count} programs compiled`);
// From here on a compilation would be an error.
failOnRecompile(model);

for (const prompts of [["The king"], ["One day, a little girl", "Tom had a red ball."]]) {
  const inputs = tokenizer(prompts, { padding: true, padding_side: "left", pad_to_multiple_of: 8 });
  const { sequences } = await model.generate(inputs, { max_new_tokens: 24 });
  for (const text of tokenizer.batch_decode(sequences, { skip_special_tokens: true }))
    console.log(`- ${text}`);
}
await model.dispose();
