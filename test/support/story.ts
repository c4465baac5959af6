import { embeddedModel } from "@fusewire/models/node";
import { AutoModelForCausalLM, AutoTokenizer, streamText } from "fusewire";

type Options = NonNullable<Parameters<typeof streamText>[3]>;

/** What follows on a prompt, by the embedded model in this process. */
export async function tell(prompt: string, options: Options): Promise<string> {
  const directory = embeddedModel("tales");
  const tokenizer = await AutoTokenizer.from_pretrained(directory);
  const model = await AutoModelForCausalLM.from_pretrained(directory, { device: "eager:wasm" });
  let story = "";
  for await (const text of streamText(model, tokenizer, prompt, options)) story += text;
  await model.dispose();
  return story;
}
