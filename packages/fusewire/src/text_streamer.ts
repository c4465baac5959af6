import type { Streamer } from "@fusewire/generate";
import { createTextStream, type TextStream, type Tokenizer } from "@fusewire/models";

/** Options of the streamers, named as in Hugging Face. */
export interface TextStreamerOptions {
  /** Leave the prompt out. Default false. */
  readonly skip_prompt?: boolean;
  /** Default false. */
  readonly skip_special_tokens?: boolean;
  /** Gets each piece of text; `console.log` a line where not given. */
  readonly callback_function?: (text: string) => void;
}

/**
 * Gives the text of a generation in pieces that no later token can change: whole words and lines (Hugging Face
 * TextStreamer). Hand it to `generate` as `streamer`.
 */
export class TextStreamer implements Streamer {
  readonly #stream: TextStream;
  readonly #print: (text: string) => void;
  readonly #skipPrompt: boolean;
  #isPrompt = true;

  constructor(tokenizer: Tokenizer, options: TextStreamerOptions = {}) {
    const { skip_prompt = false, skip_special_tokens = false, callback_function } = options;
    this.#stream = createTextStream(tokenizer, { skip_special_tokens });
    this.#skipPrompt = skip_prompt;
    this.#print = callback_function ?? lines((line) => console.log(line));
  }

  put(ids: readonly number[]): void {
    const skipped = this.#isPrompt && this.#skipPrompt;
    this.#isPrompt = false;
    if (!skipped) this.#tell(this.#stream.push(ids), false);
  }

  end(): void {
    this.#isPrompt = true;
    this.#tell(this.#stream.end(), true);
  }

  /** What happens to a piece; to be replaced by classes that extend this one. */
  on_finalized_text(text: string, stream_end = false): void {
    this.#print(stream_end ? `${text}\n` : text);
  }

  #tell(text: string, isEnd: boolean): void {
    if (text !== "" || isEnd) this.on_finalized_text(text, isEnd);
  }
}

/** Collects pieces into lines. */
function lines(print: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const all = (rest + text).split("\n");
    rest = all.pop()!;
    for (const line of all) print(line);
  };
}

/** Stands behind the last piece of a generation. */
const END = Symbol("end");

/**
 * The pieces as an async iterator, to be read while `generate` runs (Hugging Face TextIteratorStreamer). It ends with
 * the generation, also with one that failed; await the promise of `generate` to see why. Used for several generations
 * one after another, it is to be read once for each.
 */
export class TextIteratorStreamer extends TextStreamer implements AsyncIterable<string> {
  readonly #pieces: (string | typeof END)[] = [];
  #wake: () => void = () => undefined;

  override on_finalized_text(text: string, stream_end = false): void {
    if (text !== "") this.#pieces.push(text);
    if (stream_end) this.#pieces.push(END);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece === END) return;
      if (piece !== undefined) yield piece;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
