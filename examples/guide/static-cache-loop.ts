/** The guide's decoding loop over a static cache, with the positions and the padding put right (`--guide` takes its Llama 2). */
import { AutoModelForCausalLM, AutoTokenizer, compile, SDPBackend, StaticCache, sdpa_kernel } from "fusewire";
import { modelFor } from "../support/models.ts";

const prompts = [
  "Simply put, the theory of relativity states that ",
  "My favorite all time favorite condiment is ketchup.",
];
const NUM_TOKENS_TO_GENERATE = 40;

const name = modelFor("meta-llama/Llama-2-7b-hf");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForCausalLM.from_pretrained(name, { device_map: "auto" });
// Pads stand on the left, so that the last place of each row is its last token; the guide pads right.
const inputs = tokenizer(prompts, { return_tensors: "pt", padding: true, padding_side: "left" });

type Forward = Awaited<ReturnType<typeof model.forward>>;
function argmax({ logits }: Forward): number[] {
  const size = logits.type.shape.at(-1)!;
  return prompts.map((_, b) => {
    const scores = logits.data.subarray(b * size, (b + 1) * size) as Float32Array;
    return scores.indexOf(Math.max(...scores));
  });
}

model.forward = compile(model.forward, { mode: "reduce-overhead", fullgraph: true });
const seq_length = inputs.input_ids[0]!.length;
const past_key_values = new StaticCache({
  config: model.config,
  max_batch_size: 2,
  max_cache_len: 512,
  device: model.device,
});
const generated_ids = inputs.input_ids.map((row) => [...row]);

let next_token = argmax(await model.forward(inputs, { past_key_values, use_cache: true, logits_to_keep: 1 }));
// The first new token stands at seq_length; the guide says seq_length + 1, which leaves a hole.
let cache_position = seq_length;
for (let step = 1; step < NUM_TOKENS_TO_GENERATE; step++) {
  for (const [b, row] of generated_ids.entries()) row.push(next_token[b]!);
  const input_ids = next_token.map((token) => [token]);
  next_token = await sdpa_kernel(SDPBackend.MATH, async () =>
    argmax(await model.forward({ input_ids, cache_position: [cache_position] }, { past_key_values })),
  );
  cache_position += 1;
}
for (const [b, row] of generated_ids.entries()) row.push(next_token[b]!);
for (const text of tokenizer.batch_decode(generated_ids, { skip_special_tokens: true })) console.log(text);
past_key_values.dispose();
await model.dispose();
