import { boolean, checkOptions, oneOf } from "./options.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface TextStreamOptions {
  /** Default false. */
  readonly skip_special_tokens?: boolean;
  /** The first push is the prompt and prints nothing. Default false. */
  readonly skip_prompt?: boolean;
  /**
   * When text comes out: by whole words, as Hugging Face's TextStreamer has it, or each character as soon as its bytes
   * are there. Default "words".
   */
  readonly pieces?: "words" | "characters";
}

export interface TextStream {
  /** Takes the next tokens of one sequence; gives the text that no later token can change, or "". */
  push(ids: readonly number[]): string;
  /** Gives what is left, and starts over. */
  end(): string;
}

// Tokens kept so that the next ones decode as they would after the whole text, and how many may gather before a cut.
// A multiple of 2, 3 and 4, so that it holds whole characters where each of them is that many byte tokens.
const CONTEXT = 24;
const CUT_AT = 64;

/**
 * Text of tokens as they come, in the pieces of Hugging Face's TextStreamer: whole lines, whole words with the space
 * after them, CJK characters at once. All pieces together are the decode of all ids; a character whose bytes are not
 * all there yet waits.
 *
 * TextStreamer forgets all tokens at a line's end, which costs it the space that some decoders strip from the start
 * of a text. Here a few tokens always stay.
 */
export function createTextStream(tokenizer: Tokenizer, options: TextStreamOptions = {}): TextStream {
  checkOptions(
    options,
    { skip_special_tokens: boolean, skip_prompt: boolean, pieces: oneOf("words", "characters") },
    "createTextStream",
  );
  const decodeOptions = { skip_special_tokens: options.skip_special_tokens ?? false };
  const cleansUp = tokenizer.clean_up_tokenization_spaces;
  let prompt = options.skip_prompt ?? false;
  let ids: number[] = [];
  /** Characters of the decoded `ids` that are out already. */
  let printed = 0;

  const settled = (text: string): number => {
    if (options.pieces === "characters" && !cleansUp)
      return Math.max(printed, text.length - (UNFINISHED.exec(text)?.[0].length ?? 0));
    if (text.endsWith("\n") || endsWithCjk(text)) return text.length;
    return Math.max(printed, cleansUp ? text.search(UNCLEAN) : text.lastIndexOf(" ") + 1);
  };

  /** Drops old tokens, for the time of a push grows with their number. */
  const cut = (text: string): void => {
    const tail = ids.slice(-CONTEXT);
    const tailText = tokenizer.decode(tail, decodeOptions);
    const rest = text.length - printed;
    // A tail that starts inside a character, or with text that is not out yet, would not go on in the same way.
    if (tailText.length <= rest || !text.endsWith(tailText)) return;
    ids = tail;
    printed = tailText.length - rest;
  };

  return {
    push(next) {
      if (prompt) {
        prompt = false;
        return "";
      }
      ids.push(...next);
      const text = tokenizer.decode(ids, decodeOptions);
      const piece = text.slice(printed, settled(text));
      printed += piece.length;
      if (ids.length >= CUT_AT) cut(text);
      return piece;
    },
    end() {
      const piece = tokenizer.decode(ids, decodeOptions).slice(printed);
      prompt = options.skip_prompt ?? false;
      ids = [];
      printed = 0;
      return piece;
    },
  };
}

/** What stands at the end of a text for bytes that are no whole character yet. */
const UNFINISHED = /\ufffd+$/;

/** What the clean-up may yet change: the space before a full stop or an ending, and both in " n 't". */
const UNCLEAN = / (?:n )?[^ ]*$/;

/** CJK ideographs, the blocks that TextStreamer counts: not Hangul, nor kana, which have words. */
const endsWithCjk = (text: string): boolean =>
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\u{2f800}-\u{2fa1f}]$/u.test(
    text,
  );
