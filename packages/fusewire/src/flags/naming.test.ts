import { expect, test } from "vitest";
import { inFlags } from "./naming.ts";

test.each([
  [
    "'top_p' has no effect while do_sample is false; set do_sample: true",
    "'--top-p' has no effect while --do-sample is false; set --do-sample",
  ],
  ["generate: 'seed' must be an integer", "generate: '--seed' must be an integer"],
  ["streamer takes one text; leave it out", "--streamer takes one text; leave it out"],
  ["num_beams 3 and stop_strings exclude each other", "--num-beams 3 and --stop-strings exclude each other"],
  // Words of English, and names that are none of generate()'s.
  [
    "a tokenizer without a pad token; at this temperature, a signal",
    "a tokenizer without a pad token; at this temperature, a signal",
  ],
  ["tokenizer.json is not valid JSON", "tokenizer.json is not valid JSON"],
  ["the file has no hidden_size", "the file has no hidden_size"],
])("%j", (message, expected) => {
  expect(inFlags(message)).toBe(expected);
});
