/** Quantized rows and products. */
import { epilogueOf, FusewireError, limits, sizeOf } from "@fusewire/ir";
import type { Ref } from "@fusewire/passes";
import * as ids from "../ids.ts";
import { ACTIVATIONS } from "./products.ts";
import { cutProduct, type Encoders, floatWord, grainFor } from "./writer.ts";

export const QUANTIZED: Encoders = {
  group_scales: ({ reads: [x], write, attrs: { layout, search } }, places) => {
    if (search) throw new FusewireError("scales are searched for while loading; leave hoist_prepare on");
    const units = sizeOf(write.type.shape);
    const words = [
      ...places.operand(write),
      ...places.operand(x!),
      layout.group,
      floatWord(limits(layout)[1]),
    ];
    return [{ kernel: ids.GROUP_SCALES, units, grain: grainFor(units, layout.group), scratch: 0, words }];
  },
  quantize_rows: ({ reads: [x, scales], write, attrs: { layout } }, places) => {
    const units = sizeOf(scales!.type.shape);
    const words = [write, x!, scales!].flatMap((ref) => [...places.operand(ref)]);
    return [
      {
        kernel: ids.QUANTIZE_ROWS,
        units,
        grain: grainFor(units, 2 * layout.group),
        scratch: 0,
        words: [...words, layout.group, ...limits(layout).map(floatWord)],
      },
    ];
  },
  dequantize: ({ reads: [codes, scales, zeros], write, attrs: { layout } }, places) => {
    const units = sizeOf(scales!.type.shape);
    const words = [write, codes!, scales!, zeros ?? codes!].flatMap((ref) => [...places.operand(ref)]);
    return [
      {
        kernel: ids.DEQUANTIZE,
        units,
        grain: grainFor(units, 2 * layout.group),
        scratch: 0,
        words: [...words, layout.group, Number(!!zeros)],
      },
    ];
  },
  quantized_matmul: ({ reads, write, attrs }, places) => {
    const [x, xScales, codes, scales, ...rest] = reads as readonly [Ref, Ref, Ref, Ref, ...Ref[]];
    if (!places.tilingOf(codes) || !places.tilingOf(scales))
      throw new FusewireError("quantized weights are tiled while loading; leave hoist_prepare on");
    const n = write.type.shape.at(-1)!;
    const k = x.type.shape.at(-1)!;
    const m = sizeOf(x.type.shape) / k;
    const { block, ...cut } = cutProduct(m, n, 16, 4 * k * (attrs.gated ? 2 : 1));
    const { activation, bias, residual, gated } = attrs;
    const { group, bits } = attrs.layout;
    const epilogue = epilogueOf(rest, attrs);
    const operand = (ref: Ref | undefined) => (ref ? places.operand(ref) : [0, 0]);
    return [
      {
        kernel: ids.QUANTIZED_MATMUL,
        ...cut,
        scratch:
          2 * block * k + (4 * block * k) / group + 64 + (2 * (gated ? ids.GATED_TILES : 1) + 1) * 64 * block,
        words: [
          ...[write, x, xScales, codes, scales].flatMap((ref) => [...places.operand(ref)]),
          ...operand(epilogue.bias),
          ...operand(epilogue.residual),
          ...[m, n, k, group, bits, ACTIVATIONS[activation]!],
          ...[bias, residual, gated].map(Number),
          codes.type.shape[0]!,
          block,
        ],
      },
    ];
  },
};
