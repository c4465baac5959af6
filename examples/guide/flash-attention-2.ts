/** The guide's FlashAttention-2 (`--guide` takes its Gemma model); q8 weights stand for its bitsandbytes config. */
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("google/gemma-2b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForCausalLM.from_pretrained(name, {
  dtype: "q8",
  attn_implementation: "flash_attention_2",
});

const inputs = tokenizer("The theory of special relativity states ");
const { sequences } = await model.generate(inputs);
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
await model.dispose();
