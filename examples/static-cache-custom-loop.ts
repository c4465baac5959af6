/** A decoding loop of one's own over a static cache, then turns over the same cache: `npx tsx examples/static-cache-custom-loop.ts`. */
import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer, StaticCache } from "fusewire";

const directory = embeddedModel("tales");
const tokenizer = await AutoTokenizer.from_pretrained(directory);
const model = await AutoModelForCausalLM.from_pretrained(directory);
const past_key_values = new StaticCache({ config: model.config, max_batch_size: 1, max_cache_len: 256 });
console.log(`${past_key_values.bytes(model) / 1024} KiB of cache`);

// The prompt at once, then a token at a time.
const inputs = tokenizer("Once upon a time, a fox");
let { logits } = await model.forward(inputs, { past_key_values, logits_to_keep: 1 });
const text = [...inputs.input_ids[0]!];
for (let step = 0; step < 20; step++) {
  const scores = logits.data.subarray(-logits.type.shape.at(-1)!) as Float32Array;
  const token = scores.indexOf(Math.max(...scores));
  text.push(token);
  ({ logits } = await model.forward({ input_ids: [[token]] }, { past_key_values }));
}
console.log(tokenizer.decode(text, { skip_special_tokens: true }));

// More turns: the whole text is passed, and only what the cache lacks is computed.
let input_ids = [text];
for (const said of [" The fox said:", " But the bird"]) {
  input_ids = [[...input_ids[0]!, ...tokenizer.encode(said, { add_special_tokens: false })]];
  const { sequences, stats } = await model.generate({ input_ids }, { past_key_values, max_new_tokens: 16 });
  console.log(`${stats.prompt_tokens} prompt tokens, ${stats.cached_tokens} of them cached`);
  input_ids = sequences;
}
console.log(tokenizer.decode(input_ids[0]!, { skip_special_tokens: true }));
past_key_values.dispose();
await model.dispose();
