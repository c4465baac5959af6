// Random chat templates, rendered here and by transformers: `tsx test/interop/jinja.ts [COUNT] [SEED]`.

import { embeddedModel } from "@fusewire/models/node";
import { AutoTokenizer } from "fusewire";
import { casesOf } from "./python.ts";

interface Case {
  readonly template: string;
  readonly messages: { readonly role: string }[];
  readonly tools: object[];
  readonly text?: string;
  readonly error?: string;
}

const [count = "2000", seed = "1"] = process.argv.slice(2);
const tokenizer = await AutoTokenizer.from_pretrained(embeddedModel("tales"));
const tally = { equal: 0, "refused by both": 0, "refused here": 0, different: 0 };

for (const { template, messages, tools, text } of casesOf<Case>("jinja.py", count, seed)) {
  const options = { chat_template: template, tools, bos_token: "<s>", tokenize: false } as const;
  let here: string | undefined;
  let problem = "";
  try {
    // Every variable that a call gives must be one that the template reads.
    const { bos_token, ...others } = options;
    here = tokenizer.apply_chat_template(messages, template.includes("bos_token") ? options : others);
  } catch (error) {
    problem = String(error);
  }
  if (here === text) tally[text === undefined ? "refused by both" : "equal"]++;
  else if (here === undefined) {
    tally["refused here"]++;
    console.log(
      `refused here: ${JSON.stringify(template)}\n  Python ${JSON.stringify(text)}\n  here   ${problem}`,
    );
  } else {
    tally.different++;
    console.log(
      `different: ${JSON.stringify(template)}\n  Python ${JSON.stringify(text)}\n  here   ${JSON.stringify(here)}`,
    );
  }
}
console.log(tally);
process.exitCode = tally.different > 0 ? 1 : 0;
