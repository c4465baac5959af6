import type { Tokenizer } from "@fusewire/models";
import type { Likely, Scored } from "../answer/logprobs.ts";

/** A token as chat completions name it: its text, how likely it was, and its bytes, which may be half a character. */
function tokenOf({ token, logprob }: Likely, tokenizer: Tokenizer) {
  const bytes = tokenizer.token_bytes(token);
  return {
    token: tokenizer.decode([token]),
    logprob,
    bytes: bytes ? [...bytes] : null,
  };
}

/** The `logprobs.content` entry of a token. */
export const chatLogprob = (scored: Scored, tokenizer: Tokenizer) => ({
  ...tokenOf(scored, tokenizer),
  top_logprobs: scored.top.map((one) => tokenOf(one, tokenizer)),
});

/** The `logprobs` of legacy completions, which name tokens in lists side by side. */
export function completionLogprobs(all: readonly Scored[], tokenizer: Tokenizer, offset: number) {
  const words = all.map(({ token }) => tokenizer.decode([token]));
  const text_offset: number[] = [];
  let at = offset;
  for (const word of words) {
    text_offset.push(at);
    at += word.length;
  }
  return {
    tokens: words,
    token_logprobs: all.map(({ logprob }) => logprob),
    top_logprobs: all.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [tokenizer.decode([token]), logprob])),
    ),
    text_offset,
  };
}
