import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Buckets,
  batchBucket,
  capacityBucket,
  checkBuckets,
  cutChunks,
  DEFAULT_BUCKETS,
} from "./bucket.ts";

const rising = fc
  .uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
  .map((sizes) => sizes.sort((a, b) => a - b));
const arbitraryBuckets: fc.Arbitrary<Buckets> = fc.record({
  batch: rising,
  chunk: rising,
  capacity: fc.integer({ min: 1, max: 1000 }),
});

describe("chunks", () => {
  test("cover the prompt in order and exactly, each in a program that holds it", () => {
    fc.assert(
      fc.property(arbitraryBuckets, fc.nat(2000), (buckets, length) => {
        let next = 0;
        for (const { start, count, size } of cutChunks(length, buckets)) {
          expect(start).toBe(next);
          expect(count).toBeGreaterThan(0);
          expect(count).toBeLessThanOrEqual(size);
          expect(buckets.chunk).toContain(size);
          next += count;
        }
        expect(next).toBe(length);
      }),
    );
  });

  test("cost least among all ways to cover the prompt, at 16 tokens a chunk beside its own", () => {
    const sizes = fc.uniqueArray(fc.constantFrom(2, 4, 8, 16, 32, 64, 128, 256), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 700 }), (chunk, length) => {
        chunk.sort((a, b) => a - b);
        const least = [0];
        for (let n = 1; n <= length; n++)
          least.push(Math.min(...chunk.map((size) => least[Math.max(0, n - size)]! + size + 16)));
        const chunks = cutChunks(length, { ...DEFAULT_BUCKETS, chunk });
        expect(chunks.reduce((sum, { size }) => sum + size + 16, 0)).toBe(least[length]);
      }),
    );
  });

  test("of some lengths by default", () => {
    const sizes = (length: number) => cutChunks(length, DEFAULT_BUCKETS).map(({ size }) => size);
    expect([0, 1, 8, 9, 16, 30, 64, 65, 200, 240, 256, 257, 600].map(sizes)).toEqual([
      [],
      [8],
      [8],
      [8, 8],
      [8, 8],
      [64],
      [64],
      [64, 8],
      [64, 64, 64, 8],
      [256],
      [256],
      [256, 8],
      [256, 256, 64, 8, 8, 8],
    ]);
  });
});

describe("batch", () => {
  test("is the smallest size that holds the rows", () => {
    fc.assert(
      fc.property(arbitraryBuckets, fc.integer({ min: 1, max: 300 }), (buckets, rows) => {
        fc.pre(rows <= buckets.batch.at(-1)!);
        const size = batchBucket(rows, buckets);
        expect(size).toBeGreaterThanOrEqual(rows);
        for (const smaller of buckets.batch) if (smaller < size) expect(smaller).toBeLessThan(rows);
      }),
    );
  });

  test("beyond the largest it doubles", () => {
    expect([32, 33, 64, 65].map((rows) => batchBucket(rows, DEFAULT_BUCKETS))).toEqual([32, 64, 64, 128]);
    expect(batchBucket(7, { ...DEFAULT_BUCKETS, batch: [3] })).toBe(12);
  });
});

describe("capacity", () => {
  const lengths = fc.integer({ min: 1, max: 5000 });

  test("holds the tokens, stays within the model, and never falls as tokens grow", () => {
    fc.assert(
      fc.property(arbitraryBuckets, lengths, lengths, lengths, (buckets, a, b, limit) => {
        const [shorter, longer] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(longer <= limit);
        const [low, high] = [capacityBucket(shorter, limit, buckets), capacityBucket(longer, limit, buckets)];
        expect(low).toBeGreaterThanOrEqual(shorter);
        expect(high).toBeLessThanOrEqual(limit);
        expect(low).toBeLessThanOrEqual(high);
      }),
    );
  });

  test("is one of few sizes: doublings of the first, the last cut to the model's limit", () => {
    const sizes = new Set(
      Array.from({ length: 3000 }, (_, k) => capacityBucket(k + 1, 3000, DEFAULT_BUCKETS)),
    );
    expect([...sizes]).toEqual([512, 1024, 2048, 3000]);
  });

  test("beyond the model is an error with the numbers and the way out", () => {
    expect(() => capacityBucket(2049, 2048, DEFAULT_BUCKETS)).toThrow(
      "2049 tokens are more than the 2048 positions of the model; shorten the prompt or ask for fewer new tokens",
    );
  });
});

describe("bucket sizes that make no sense are errors that name them", () => {
  test.each<[Partial<Buckets>, string]>([
    [{ batch: [] }, "buckets.batch needs at least one size"],
    [{ batch: [4, 2] }, "buckets.batch must rise: 4, 2"],
    [{ chunk: [8, 8] }, "buckets.chunk must rise: 8, 8"],
    [{ chunk: [0, 8] }, "buckets.chunk holds 0; sizes are whole numbers from 1"],
    [{ chunk: [8, 64.5] }, "buckets.chunk holds 64.5; sizes are whole numbers from 1"],
    [{ capacity: 0 }, "buckets.capacity holds 0; sizes are whole numbers from 1"],
    [{ chunks: [8] } as object, "buckets: 'chunks' is not one of batch, chunk and capacity"],
    [{ capacity: Number.NaN }, "buckets.capacity holds NaN; sizes are whole numbers from 1"],
  ])("%o", (change, message) => {
    expect(() => checkBuckets({ ...DEFAULT_BUCKETS, ...change })).toThrow(message);
  });

  test("and good ones are returned", () => {
    expect(checkBuckets(DEFAULT_BUCKETS)).toBe(DEFAULT_BUCKETS);
  });
});
