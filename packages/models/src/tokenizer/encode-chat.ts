import type { Span } from "./align.ts";
import type { Backend } from "./backend.ts";
import type { EncodedText } from "./encoder.ts";
import type { ChatPart, RenderedChat } from "./render-chat.ts";

/** Tokens of a rendered chat, part after part. */
export function encodeParts(backend: Backend, chat: RenderedChat, withSpans: boolean): EncodedText {
  const encoded = chat.parts
    .filter((part) => part.text !== "")
    .map((part) => (part.start === 0 && !part.isPlain ? encodeFirst : encodeNext)(backend, part, withSpans));
  return {
    ids: encoded.flatMap((part) => part.ids),
    spans: withSpans ? encoded.flatMap((part) => part.spans ?? []) : undefined,
  };
}

const encodeFirst = (backend: Backend, part: ChatPart, withSpans: boolean): EncodedText =>
  backend.encode(part.text, "all", withSpans);

/**
 * A part behind others. Some tokenizers put a space before a text: before a line break, whose tokens are dropped
 * again, it does no harm.
 */
function encodeNext(backend: Backend, part: ChatPart, withSpans: boolean): EncodedText {
  const finds = part.isPlain ? "none" : "all";
  const lineBreak = backend.encode("\n", "all", false).ids;
  const after = backend.encode(`\n${part.text}`, finds, withSpans);
  if (lineBreak.every((id, i) => after.ids[i] === id))
    return {
      ids: after.ids.slice(lineBreak.length),
      spans: after.spans && moved(after.spans.slice(lineBreak.length), part.start - 1),
    };
  const alone = backend.encode(part.text, finds, withSpans);
  return { ids: alone.ids, spans: alone.spans && moved(alone.spans, part.start) };
}

const moved = (spans: readonly Span[], by: number): Span[] =>
  spans.map(([start, end]): Span => [start + by, end + by]);

/** 1 for each token from the first to the last that has a part in a generated range. */
export function assistantMask(spans: readonly Span[], generated: readonly Span[]): number[] {
  const mask = spans.map(() => 0);
  for (const [from, to] of generated) {
    // Of an empty block no token is part, though one may reach over it.
    const isInside = ([start, end]: Span): boolean => from < to && start < to && end > from;
    const first = spans.findIndex(isInside);
    if (first >= 0) mask.fill(1, first, spans.findLastIndex(isInside) + 1);
  }
  return mask;
}
