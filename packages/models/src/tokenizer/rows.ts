import { FusewireError } from "@fusewire/ir";
import type { Span } from "./align.ts";
import type { Backend } from "./backend.ts";
import type { EncodePlan } from "./options.ts";
import { type Encoding, type Offset, padEncoding } from "./padding.ts";

/** The tokens of one text. */
export interface Row {
  readonly ids: readonly number[];
  readonly offsets?: readonly Offset[];
  readonly assistant?: readonly number[];
}

/** Tokens of one text, with the special tokens around it, cut as the plan says. */
export function encodeRow(backend: Backend, text: string, plan: EncodePlan): Row {
  const { ids, spans } = backend.encode(text, plan.splitSpecialTokens ? "ordinary" : "all", plan.withOffsets);
  return frame(spans ? { ids, offsets: inCodePoints(text, spans) } : { ids }, backend, plan);
}

/** Only the text is cut: the special tokens around it stay, and count. */
export function frame(row: Row, backend: Backend, plan: EncodePlan): Row {
  const prefix = plan.addSpecialTokens ? backend.prefix : [];
  const suffix = plan.addSpecialTokens ? backend.suffix : [];
  const room =
    plan.truncate && plan.maxLength !== undefined
      ? plan.maxLength - prefix.length - suffix.length
      : Number.POSITIVE_INFINITY;
  if (room < 0)
    throw new FusewireError(
      `max_length ${plan.maxLength} has no room for the ${prefix.length + suffix.length} special tokens of every text; raise it or set add_special_tokens: false`,
    );
  const from = plan.truncationSide === "left" ? Math.max(0, row.ids.length - room) : 0;
  const cut = <T>(values: readonly T[], around: T): T[] => [
    ...prefix.map(() => around),
    ...values.slice(from, from + room),
    ...suffix.map(() => around),
  ];
  return {
    ids: [...prefix, ...row.ids.slice(from, from + room), ...suffix],
    ...(row.offsets && { offsets: cut<Offset>(row.offsets, [0, 0]) }),
    ...(row.assistant && { assistant: cut(row.assistant, 0) }),
  };
}

/** Rows as an encoding, padded as the plan says. */
export function joinRows(rows: readonly Row[], plan: EncodePlan, padId: () => number): Encoding {
  const encoding: Encoding = {
    input_ids: rows.map((row) => [...row.ids]),
    attention_mask: rows.map((row) => row.ids.map(() => 1)),
    ...(plan.withOffsets && { offset_mapping: rows.map((row) => [...(row.offsets ?? [])]) }),
    ...(plan.withAssistantMasks && { assistant_masks: rows.map((row) => [...(row.assistant ?? [])]) }),
  };
  return plan.strategy === "none" ? encoding : padEncoding(encoding, plan, padId());
}

/** Spans in UTF-16 units as offsets in code points. */
export function inCodePoints(text: string, spans: readonly Span[]): Offset[] {
  if (!/[\ud800-\udbff]/.test(text)) return spans.map(([start, end]): Offset => [start, end]);
  const points = new Uint32Array(text.length + 1);
  let count = 0;
  for (let unit = 0; unit < text.length; ) {
    const size = text.codePointAt(unit)! > 0xffff ? 2 : 1;
    points.fill(count, unit, unit + size);
    count += 1;
    unit += size;
  }
  points[text.length] = count;
  return spans.map(([start, end]): Offset => [points[start]!, points[end]!]);
}
