// Runs a table of steps; see `step.ts` for how a step is written.
import * as ids from "../src/ids";
import { attention } from "./attention";
import { cast } from "./cast";
import { map } from "./map";
import { cacheWrite, copy, gather, occurs } from "./move";
import { linear, matmul } from "./product";
import { dequantize, gatherTiled, groupScales, quantizeRows } from "./quantize";
import { quantized } from "./quantized";
import { cumsum, reduce } from "./reduce";
import { layerNorm, rmsNorm, rotary, softmax } from "./rows";
import { categorical, topK, topP, uniform } from "./sample";
import { argsort } from "./sort";
import { word } from "./step";

/** The first address that static data leaves free. */
export function heapBase(): usize {
  return __heap_base;
}

/** Runs the units begin..end-1 of one step. */
function runStep(p: usize, begin: u32, end: u32, scratch: usize): void {
  switch (word(p, 0)) {
    case ids.MAP: map(p, begin, end, scratch); break;
    case ids.CAST: cast(p, begin, end); break;
    case ids.COPY: copy(p, begin, end); break;
    case ids.GATHER: gather(p, begin, end); break;
    case ids.CACHE_WRITE: cacheWrite(p, begin, end); break;
    case ids.OCCURS: occurs(p, begin, end); break;
    case ids.UNIFORM: uniform(p, begin, end); break;
    case ids.REDUCE: reduce(p, begin, end); break;
    case ids.CUMSUM: cumsum(p, begin, end); break;
    case ids.ARGSORT: argsort(p, begin, end, scratch); break;
    case ids.SOFTMAX: softmax(p, begin, end, scratch); break;
    case ids.RMS_NORM: rmsNorm(p, begin, end); break;
    case ids.LAYER_NORM: layerNorm(p, begin, end); break;
    case ids.ROTARY: rotary(p, begin, end); break;
    case ids.ATTENTION: attention(p, begin, end, scratch); break;
    case ids.LINEAR: linear(p, begin, end, scratch); break;
    case ids.MATMUL: matmul(p, begin, end); break;
    case ids.GROUP_SCALES: groupScales(p, begin, end); break;
    case ids.QUANTIZE_ROWS: quantizeRows(p, begin, end); break;
    case ids.DEQUANTIZE: dequantize(p, begin, end); break;
    case ids.GATHER_TILED: gatherTiled(p, begin, end); break;
    case ids.QUANTIZED_MATMUL: quantized(p, begin, end, scratch); break;
    case ids.TOP_K: topK(p, begin, end, scratch); break;
    case ids.TOP_P: topP(p, begin, end, scratch); break;
    case ids.CATEGORICAL: categorical(p, begin, end, scratch); break;
    default: unreachable();
  }
}

/** Runs the steps from `table` to `end`, one after another. */
export function run(table: usize, end: usize, scratch: usize): void {
  for (let p = table; p < end; p += <usize>word(p, 1) << 2) runStep(p, 0, word(p, 2), scratch);
}
