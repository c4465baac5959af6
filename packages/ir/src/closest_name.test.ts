import { expect, test } from "vitest";
import { closestName, optionsInstead } from "./closest_name.ts";

const NAMES = [
  "max_new_tokens",
  "max_length",
  "temperature",
  "top_k",
  "top_p",
  "seed",
  "num_beams",
  "streamer",
];

test.each([
  ["max_tokens", "max_new_tokens"],
  ["maxNewTokens", "max_new_tokens"],
  ["max-new-tokens", "max_new_tokens"],
  ["temprature", "temperature"],
  ["topk", "top_k"],
  ["beams", undefined],
  ["num_beam", "num_beams"],
  ["stream", undefined],
  ["", undefined],
])("the closest name to %j is %j", (name, expected) => {
  expect(closestName(name, NAMES)).toBe(expected);
});

test("where no name is close, all are listed", () => {
  expect(optionsInstead("max_tokens", NAMES)).toBe("did you mean 'max_new_tokens'?");
  expect(optionsInstead("colour", ["seed", "top_k"])).toBe("options are seed, top_k");
});
