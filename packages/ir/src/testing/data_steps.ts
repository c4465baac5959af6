/** Steps that move, order and compare values, work on integers, or read and write states. */
import type { Node } from "../node.ts";
import * as ops from "../ops/index.ts";
import { sameShape, sizeOf } from "../type.ts";
import type { Step } from "./float_steps.ts";
import type { Item, Sketch } from "./sketch.ts";

/** A step that only moves the elements of a value of any dtype. */
const movement =
  (build: (x: Node, sketch: Sketch) => Node): Step =>
  (sketch) => {
    const x = sketch.pick(({ node }) => node.type.shape.length > 0);
    if (x) sketch.add(build(x.node, sketch), x);
  };

/** Float scores [B, V] that were not rounded, from the pool or a weight. */
const scores = (sketch: Sketch): Node =>
  sketch.pick(({ node, exact }) => exact && node.type.dtype === "f32" && node.type.shape.length === 2)
    ?.node ?? sketch.param([1 + sketch.choose(3), 1 + sketch.choose(7)]);

const numeric = ({ node }: Item): boolean => node.type.dtype === "f32" || node.type.dtype === "i32";
const ordered = (item: Item): boolean => item.exact && numeric(item) && item.node.type.shape.length > 0;

const axisOf = (x: Node, sketch: Sketch): number => sketch.choose(x.type.shape.length);

const movements: readonly Step[] = [
  movement((x) => ops.reshape(x, [-1])),
  movement((x, s) => {
    const at = axisOf(x, s);
    return ops.reshape(x, [...x.type.shape.slice(0, at), 1, ...x.type.shape.slice(at)]);
  }),
  movement((x) => ops.reshape(x, x.type.shape.length > 1 ? [x.type.shape[0]!, -1] : [-1, 1])),
  movement((x, s) => {
    const order = x.type.shape.map((_, k) => k);
    for (let k = order.length - 1; k > 0; k--) {
      const other = s.choose(k + 1);
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    return ops.transpose(x, order);
  }),
  movement((x, s) => ops.broadcastTo(x, [1 + s.choose(3), ...x.type.shape])),
  movement((x, s) => {
    const at = axisOf(x, s);
    const start = s.choose(x.type.shape[at]!);
    return ops.sliceAxis(x, at, start, 1 + s.choose(x.type.shape[at]! - start));
  }),
  movement((x, s) => ops.concat([x, x], axisOf(x, s))),
  (sketch) => {
    const x = sketch.floats();
    if (!x || x.node.type.shape.length === 0) return;
    const alike = ({ node }: Item) =>
      node.type.dtype === "f32" && sameShape(node.type.shape, x.node.type.shape);
    const y = sketch.pick(alike) ?? x;
    sketch.add(ops.concat([x.node, y.node], axisOf(x.node, sketch)), {
      exact: x.exact && y.exact,
      bound: Math.max(x.bound, y.bound),
    });
  },
  movement((x, s) => ops.gather(x, s.input([1 + s.choose(3)], "i32", "ids"))),
  movement((x, s) =>
    x.type.shape.length < 2
      ? x
      : ops.gather(x, s.input([x.type.shape[0]!, 1 + s.choose(3)], "i32", "ids"), 1),
  ),
];

const reductions: readonly Step[] = [
  ...[ops.reduceSum, ops.reduceMax, ops.cumsum].map(
    (build): Step =>
      (sketch) => {
        const x = sketch.pick((item) => numeric(item) && item.node.type.shape.length > 0);
        if (!x) return;
        const axis = axisOf(x.node, sketch);
        sketch.add(build(x.node, axis), {
          exact: x.exact && (x.node.type.dtype === "i32" || build === ops.reduceMax),
          bound: x.bound * x.node.type.shape[axis]!,
        });
      },
  ),
  (sketch) => {
    const x = sketch.pick(ordered);
    if (!x) return;
    const axis = axisOf(x.node, sketch);
    sketch.add(ops.argmax(x.node, axis), { exact: true, bound: x.node.type.shape[axis]! });
  },
  (sketch) => {
    const x = sketch.pick(ordered);
    if (!x) return;
    const order = ops.argsort(x.node, sketch.choose(2) === 0);
    sketch.add(order, { exact: true, bound: sizeOf(x.node.type.shape) });
    sketch.add(ops.gather(x.node, order, x.node.type.shape.length - 1), x);
  },
];

const discrete: readonly Step[] = [
  (sketch) => {
    const x = sketch.pick((item) => item.exact && item.node.type.dtype === "f32");
    if (!x) return;
    const y = sketch.partner(x);
    const compare = sketch.oneOf([ops.lt, ops.le, ops.eq]);
    const seen = y.exact ? compare(x.node, y.node) : ops.le(x.node, 0);
    sketch.add(sketch.choose(2) === 0 ? seen : ops.not(seen), { exact: true, bound: 1 });
    sketch.add(ops.where(seen, y.node, x.node), {
      exact: x.exact && y.exact,
      bound: Math.max(x.bound, y.bound),
    });
  },
  (sketch) => {
    const x = sketch.pick(({ node }) => node.type.dtype === "bool");
    if (!x) return;
    const other = sketch.input(x.node.type.shape, "bool", "mask");
    sketch.add(sketch.oneOf([ops.and, ops.or])(x.node, other), { exact: true, bound: 1 });
    sketch.add(ops.cast(x.node, sketch.oneOf(["f32", "i32"])), { exact: true, bound: 1 });
  },
  (sketch) => {
    const x =
      sketch.pick(({ node }) => node.type.dtype === "i32") ??
      ({ node: ops.iota(sketch.tracer.table, 1 + sketch.choose(5)), exact: true, bound: 5 } satisfies Item);
    const y = sketch.input(x.node.type.shape.slice(-1), "i32", "n");
    const [build, bound] = sketch.oneOf([
      [ops.add, x.bound + 5],
      [ops.sub, x.bound + 5],
      [ops.mul, x.bound * 5],
      [ops.max, Math.max(x.bound, 5)],
      [ops.mod, 5],
    ] as const);
    // Beyond 1000 a cast to f32 and a product could round.
    if (bound < 1000) sketch.add(build(x.node, y), { exact: true, bound });
    sketch.add(ops.cast(x.node, "f32"), x);
  },
  (sketch) => {
    const logits = scores(sketch);
    const rows = logits.type.shape.slice(0, 1);
    const filtered =
      sketch.choose(2) === 0
        ? ops.topK(logits, sketch.input(rows, "i32", "k"), 1 + sketch.choose(2))
        : ops.topP(logits, sketch.input(rows, "f32", "p"), 1 + sketch.choose(2));
    sketch.add(ops.softmax(filtered), { exact: false, bound: 1 });
    sketch.add(ops.categorical(filtered, sketch.input(rows, "f32", "u")), { exact: true, bound: 7 });
  },
  (sketch) => {
    const shape = [1 + sketch.choose(3)];
    const seed = sketch.input(shape, "u32", "seed");
    const drawn = ops.uniform(seed, sketch.input(shape, "i32", "n"), sketch.oneOf(["choose", "accept"]));
    sketch.add(drawn, { exact: true, bound: 1 });
  },
  (sketch) => {
    const batch = 1 + sketch.choose(2);
    const ids = sketch.input([batch, 1 + sketch.choose(4)], "i32", "ids");
    const seen = ops.occurs(ids, sketch.input([batch], "i32", "lengths"), 1 + sketch.choose(5));
    sketch.add(seen, { exact: true, bound: 1 });
  },
  (sketch) => {
    const [length, half] = [1 + sketch.choose(4), 1 + sketch.choose(3)];
    const frequencies = Array.from({ length: half }, (_, k) => 10 ** -k);
    const [cos, sin] = (["cos", "sin"] as const).map((fn) => {
      const table = ops.trigTable(sketch.tracer.table, fn, 6, frequencies);
      return ops.gather(table, sketch.input([2, length], "i32", "ids"));
    });
    const turn = sketch.choose(2) === 0 ? ops.rotary : ops.plainRotary;
    const x = sketch.input([2, 1 + sketch.choose(2), length, 2 * half], "f32", "x");
    sketch.add(turn(x, cos!, sin!), { exact: false, bound: 3 });
  },
];

const stateful: readonly Step[] = [
  // A step of attention over caches.
  (sketch) => {
    const [batch, groups, slots] = [1 + sketch.choose(2), 1 + sketch.choose(2), 1 + sketch.choose(5)];
    const width = sketch.oneOf([2, 3]);
    const length = 1 + sketch.choose(3);
    const ring = sketch.choose(2) === 0 && length <= slots;
    const rows = sketch.input([batch], "i32", "rows");
    const at = sketch.input([batch], "i32", "at");
    const count = sketch.input([batch], "i32", "count");
    const [keys, values] = (["keys", "values"] as const).map((hint) => {
      const cache = sketch.state([batch + 1, groups, slots, width], "f32", hint);
      if (sketch.written.has(cache.name)) return cache.node;
      const fresh = () => sketch.input([batch, groups, length, width], "f32", hint);
      // Or from the middle of a projection.
      const columns = () => sketch.input([batch, length, groups * width + 3], "f32", "x");
      const next =
        sketch.choose(2) === 0
          ? ops.cacheWrite(cache.node, rows, at, count, fresh(), 2, ring)
          : ops.appendHeads(cache.node, rows, at, count, columns(), 2, { ring });
      sketch.write(cache.name, next);
      return next;
    });
    const q = sketch.input([batch, groups * (1 + sketch.choose(2)), length, width], "f32", "x");
    const [first, hi] = ["lo", "hi"].map((hint) => sketch.input([batch, length], "i32", hint)) as [
      Node,
      Node,
    ];
    // A ring has its latest keys only.
    const lo = ring ? ops.max(ops.max(first, ops.sub(ops.reduceMax(hi), slots - 1)), 0) : first;
    const attrs = { scale: 0.5, softcap: sketch.oneOf([0, 2]), ring };
    const attended =
      sketch.choose(2) === 0
        ? ops.attention(q, keys!, values!, rows, lo, hi, attrs)
        : whereAny(ops.plainAttention(q, ops.gather(keys!, rows), ops.gather(values!, rows), lo, hi, attrs));
    sketch.add(attended, { exact: false, bound: 2 });
  },
  // A counter, and two states that change places.
  (sketch) => {
    const shape = [1 + sketch.choose(3)];
    const counter = sketch.state(shape, "i32", "counter");
    sketch.add(counter.node, { exact: true, bound: 5 });
    sketch.write(counter.name, ops.add(counter.node, 1));
  },
  (sketch) => {
    const shape = [1 + sketch.choose(3)];
    const [left, right] = [sketch.state(shape, "f32", "left"), sketch.state(shape, "f32", "right")];
    sketch.add(left.node, { exact: true, bound: 1.5 });
    sketch.write(left.name, right.node);
    sketch.write(right.name, left.node);
  },
];

/** An empty run is NaN in plain attention: what is not a number is not less than or equal to itself. */
const whereAny = (x: Node): Node => ops.where(ops.le(x, x), x, 0);

export const DATA_STEPS: readonly Step[] = [...movements, ...reductions, ...discrete, ...stateful];
