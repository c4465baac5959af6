/** Streams a story from the model that comes with Fusewire: `npx tsx examples/generate.ts [DIRECTORY [PROMPT]]`. */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer, streamText } from "fusewire";

const [directory = embeddedModel("tales"), prompt = "Once upon a time, a fox"] = process.argv.slice(2);
const tokenizer = await AutoTokenizer.from_pretrained(directory);
const model = await AutoModelForCausalLM.from_pretrained(directory);

process.stdout.write(prompt);
for await (const text of streamText(model, tokenizer, prompt, {
  max_new_tokens: 60,
  repetition_penalty: 1.1,
}))
  process.stdout.write(text);
console.log();
await model.dispose();
