/** The guide's choice of attention kernels for a stretch of code (`--guide` takes its Gemma model). */
import { AutoModelForCausalLM, AutoTokenizer, sdp_kernel } from "fusewire";
import { modelFor } from "../support/models.ts";

const name = modelFor("google/gemma-2b");
const tokenizer = await AutoTokenizer.from_pretrained(name);
const inputs = tokenizer("The theory of special relativity states ", { return_tensors: "pt" });

const model = await AutoModelForCausalLM.from_pretrained(name, { torch_dtype: "bfloat16" });

const { sequences } = await sdp_kernel(
  { enable_flash: true, enable_math: false, enable_mem_efficient: false },
  () => model.generate(inputs),
);
console.log(tokenizer.batch_decode(sequences, { skip_special_tokens: true }));
await model.dispose();
