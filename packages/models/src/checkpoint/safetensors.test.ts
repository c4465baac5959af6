import { DTYPES, emptyValue, FusewireError, sizeOf, toValue, type Value } from "@fusewire/ir";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryFiles } from "../files/index.ts";
import { openSafetensors, readSafetensor, safetensorsType } from "./safetensors.ts";
import { encodeSafetensors } from "./safetensors-write.ts";

async function open(bytes: Uint8Array) {
  const source = await memoryFiles({ "m.safetensors": bytes }).open("m.safetensors");
  return openSafetensors(source!, "m.safetensors");
}

/** A file with this header text and `dataBytes` bytes of data behind it. */
function fileOf(header: unknown, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  for (let i = 0; i < dataBytes; i++) bytes[8 + json.length + i] = i + 1;
  return bytes;
}

const tensor = fc
  .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain((type) =>
    fc
      .array(fc.integer({ min: -3, max: 300 }), {
        minLength: sizeOf(type.shape),
        maxLength: sizeOf(type.shape),
      })
      .map((numbers): Value => toValue(type, numbers)),
  );

describe("round trip", () => {
  test("any tensors, in any number, with any names", async () => {
    const tensors = fc.array(fc.tuple(fc.string({ unit: "grapheme" }), tensor), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(tensors, async (list) => {
        const expected = new Map(list.filter(([name]) => name !== "__metadata__"));
        const file = await open(encodeSafetensors(expected, { format: "pt" }));
        expect(new Set(file.tensors.keys())).toEqual(new Set(expected.keys()));
        for (const [name, value] of expected) {
          expect(safetensorsType(file, name)).toEqual(value.type);
          expect(await readSafetensor(file, name)).toEqual(value);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("the name __proto__, scalars and empty tensors", async () => {
    const tensors = new Map([
      ["__proto__", toValue({ dtype: "f32", shape: [] }, [1.5])],
      ["empty", emptyValue({ dtype: "bf16", shape: [3, 0] })],
    ]);
    const file = await open(encodeSafetensors(tensors));
    expect(await readSafetensor(file, "__proto__")).toEqual(tensors.get("__proto__"));
    expect((await readSafetensor(file, "empty")).data.length).toBe(0);
  });

  test("tensors at offsets that are no multiple of their element size", async () => {
    const header = {
      odd: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      wide: { dtype: "I32", shape: [1], data_offsets: [1, 5] },
    };
    for (const padding of ["", " ", "  ", "   "]) {
      const file = await open(fileOf(JSON.stringify(header) + padding, 5));
      expect((await readSafetensor(file, "wide")).data).toEqual(Int32Array.of(0x05040302));
    }
  });

  test("the writer refuses what would not be a file", () => {
    const scalar = toValue({ dtype: "f32", shape: [] }, [1]);
    expect(() => encodeSafetensors(new Map([["__metadata__", scalar]]))).toThrow("rename it");
    const short = { type: { dtype: "f32", shape: [2] }, data: new Float32Array(1) } as const;
    expect(() => encodeSafetensors(new Map([["w", short]]))).toThrow("'w' has 1 elements");
  });
});

test("a dtype that Fusewire lacks is an error only when it is used", async () => {
  const file = await open(
    fileOf(
      {
        ids: { dtype: "I64", shape: [1], data_offsets: [0, 8] },
        w: { dtype: "F32", shape: [1], data_offsets: [8, 12] },
      },
      12,
    ),
  );
  expect(safetensorsType(file, "w")).toEqual({ dtype: "f32", shape: [1] });
  expect(() => safetensorsType(file, "ids")).toThrow(
    "tensor 'ids' of m.safetensors has the unsupported dtype 'I64'; supported are F32",
  );
  await expect(readSafetensor(file, "ids")).rejects.toThrow("unsupported dtype 'I64'");
});

// The sizes that the library safetensors 0.8 gives them.
test.each([
  ["U64", 64],
  ["C64", 64],
  ["I16", 16],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["F8_E8M0", 8],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["F4", 4],
])("an unused tensor may be %s, of %d bits a number", async (dtype, bits) => {
  // Eight numbers take as many bytes as one has bits.
  const header = (count: number) => ({ a: { dtype, shape: [count], data_offsets: [0, bits] } });
  const file = await open(fileOf(header(8), bits));
  expect(file.tensors.get("a")).toMatchObject({ storedDtype: dtype, shape: [8] });
  await expect(open(fileOf(header(16), bits))).rejects.toThrow(`which takes ${2 * bits} bytes`);
});

const f32 = (shape: unknown, data_offsets: unknown) => ({ dtype: "F32", shape, data_offsets });

test("what the format's own library reads as well: null for metadata, fields of others, F64", async () => {
  const header = { __metadata__: null, a: { dtype: "F64", shape: [2], data_offsets: [0, 16], note: "x" } };
  const bytes = fileOf(header, 16);
  const data = new DataView(bytes.buffer, bytes.length - 16);
  data.setFloat64(0, 0.1, true);
  data.setFloat64(8, -2, true);
  const file = await open(bytes);
  expect(await readSafetensor(file, "a")).toEqual({
    type: { dtype: "f32", shape: [2] },
    data: Float32Array.of(0.1, -2),
  });
});

describe("files that are refused", () => {
  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(), "m.safetensors has 0 bytes, too few"],
    [
      "header longer than the file",
      fileOf("{}", 0, 3n),
      "says that its header has 3 bytes, but the file has only 10",
    ],
    ["huge header length", fileOf("{}", 0, 2n ** 64n - 1n), "header has 18446744073709551615 bytes"],
    [
      "Git LFS pointer",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"),
      "git lfs pull",
    ],
    ["header of length 0", fileOf("", 4), "does not start with '{'"],
    ["broken JSON", fileOf('{"a": '), "the header of m.safetensors is not valid JSON"],
    ["not UTF-8", fileOf("{}").map((b) => (b === 0x7d ? 0xff : b)), "is not UTF-8"],
    ["not an object", fileOf("[]"), "does not start with '{'"],
    ["a name twice", fileOf('{"a":{},"a":{}}'), 'the key "a" occurs twice'],
    ["metadata not text", fileOf({ __metadata__: { a: 1 } }), "__metadata__ of m.safetensors"],
    ["entry not an object", fileOf({ a: 3 }), "tensor 'a' of m.safetensors is 3, expected an object"],
    ["unknown dtype", fileOf({ a: { ...f32([], [0, 4]), dtype: "Q9" } }, 4), "unknown dtype 'Q9'"],
    [
      "dtype of Object.prototype",
      fileOf({ a: { ...f32([], [0, 4]), dtype: "constructor" } }, 4),
      "unknown dtype",
    ],
    ["dtype missing", fileOf({ a: { shape: [], data_offsets: [0, 4] } }, 4), "dtype of tensor 'a'"],
    [
      "shape missing",
      fileOf({ a: f32(undefined, [0, 4]) }, 4),
      "shape of tensor 'a' of m.safetensors is missing",
    ],
    ["negative shape", fileOf({ a: f32([-1], [0, 4]) }, 4), "is [-1], expected a list of integers >= 0"],
    ["fractional shape", fileOf({ a: f32([0.5], [0, 4]) }, 4), "is [0.5], expected"],
    ["shape as text", fileOf({ a: f32(["1"], [0, 4]) }, 4), "expected a list of integers"],
    [
      "offsets missing",
      fileOf({ a: f32([1], undefined) }, 4),
      "data_offsets of tensor 'a' of m.safetensors are missing",
    ],
    ["one offset", fileOf({ a: f32([1], [0]) }, 4), "are [0], expected two integers"],
    [
      "offsets reversed",
      fileOf({ a: f32([1], [4, 0]) }, 4),
      "are [4,0], expected two integers 0 <= begin <= end",
    ],
    ["negative offset", fileOf({ a: f32([1], [-4, 0]) }, 4), "are [-4,0]"],
    [
      "size and shape differ",
      fileOf({ a: f32([2], [0, 4]) }, 4),
      "F32[2], which takes 8 bytes, but data_offsets give 4",
    ],
    ["product too large", fileOf({ a: f32([2 ** 40, 2 ** 40], [0, 4]) }, 4), "but data_offsets give 4"],
    ["truncated data", fileOf({ a: f32([2], [0, 8]) }, 7), "the download stopped early"],
    [
      "overlap",
      fileOf({ a: f32([1], [0, 4]), b: f32([1], [2, 6]) }, 6),
      "tensors 'a' and 'b' of m.safetensors overlap",
    ],
    ["same bytes", fileOf({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4), "overlap"],
    ["hole", fileOf({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12), "4 bytes between 'a' and 'b'"],
    ["hole at the start", fileOf({ a: f32([1], [4, 8]) }, 8), "4 bytes between the header and 'a'"],
    ["bytes at the end", fileOf({ a: f32([1], [0, 4]) }, 6), "2 bytes after its last tensor"],
  ])("%s", async (_, bytes, message) => {
    const failure = open(bytes);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
  });

  test("a header over 100 MB", async () => {
    const source = {
      size: 2 ** 40,
      read: async () => new Uint8Array(new BigUint64Array([100_000_001n]).buffer),
      close: async () => {},
    };
    await expect(openSafetensors(source, "m.safetensors")).rejects.toThrow("the limit is 100 MB");
  });

  test("every truncation of a good file", async () => {
    const good = encodeSafetensors(new Map([["w", toValue({ dtype: "f32", shape: [2] }, [1, 2])]]));
    for (let length = 0; length < good.length; length++)
      await expect(open(good.slice(0, length))).rejects.toBeInstanceOf(FusewireError);
  });

  test("any damaged byte of a header gives a clear error or another valid file", async () => {
    const good = encodeSafetensors(new Map([["w", toValue({ dtype: "f32", shape: [2] }, [1, 2])]]));
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 9), fc.nat(255), async (at, byte) => {
        const damaged = good.slice();
        damaged[at] = byte;
        try {
          const file = await open(damaged);
          for (const name of file.tensors.keys()) await readSafetensor(file, name);
        } catch (error) {
          expect(error).toBeInstanceOf(FusewireError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
