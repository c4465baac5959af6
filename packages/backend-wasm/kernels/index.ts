// Runs a table of steps; see `step.ts` for how a step is written.
import * as ids from "../src/ids";
import { attention } from "./attention";
import { cast } from "./cast";
import { map } from "./map";
import { cacheWrite, copy, gather, occurs } from "./move";
import { panels } from "./panels";
import { linear, matmul } from "./product";
import { dequantize, gatherTiled, groupScales, quantizeRows } from "./quantize";
import { quantized } from "./quantized";
import { cumsum, reduce } from "./reduce";
import { layerNorm, rmsNorm, rotary, softmax } from "./rows";
import { categorical, topK, topP, uniform } from "./sample";
import { argsort } from "./sort";
import { minOf, word } from "./step";
import { awaitStep, claim, join, mayShare, open, openStep, report, wake } from "./threads";

export { quantizeWeight } from "./quantize_weight";

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
    case ids.LINEAR_PANELS: panels(p, begin, end, scratch); break;
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

@inline function pieces(p: usize): u32 {
  return (word(p, 2) + word(p, 3) - 1) / word(p, 3);
}

/** Works on pieces of the open step until none is left. */
function share(control: usize, thread: u32): void {
  for (;;) {
    const left = claim(control);
    if (left == 0) return;
    const p = openStep(control);
    const grain = word(p, 3);
    // Read after the claim, for only then is it the scratch memory of this run.
    const scratch = word(control, ids.SCRATCH) + thread * word(control, ids.SCRATCH_STRIDE);
    const begin = (pieces(p) - left) * grain;
    runStep(p, begin, minOf(begin + grain, word(p, 2)), <usize>scratch);
    report(control);
  }
}

/** Runs the steps from `table` to `end`, one after another; false when a thread was lost on the way. */
export function run(table: usize, end: usize, scratch: usize, control: usize): bool {
  wake(control);
  for (let p = table; p < end; p += <usize>word(p, 1) << 2) {
    if (word(p, 3) == 0 || !mayShare(control, pieces(p) * word(p, 4))) runStep(p, 0, word(p, 2), scratch);
    else {
      open(control, p, pieces(p));
      share(control, 0);
      if (!join(control, pieces(p), word(p, 4))) return false;
    }
  }
  return true;
}

/** What every other thread does: helps until it is told to stop. Its number counts from 1. */
export function help(control: usize, thread: u32): void {
  atomic.add<u32>(control + (<usize>ids.HELPERS << 2), 1);
  while (awaitStep(control)) share(control, thread);
  atomic.sub<u32>(control + (<usize>ids.HELPERS << 2), 1);
}
