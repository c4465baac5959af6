import { expect, test } from "vitest";
import { isSoftware } from "./adapter.ts";

const adapter = (names: Partial<Parameters<typeof isSoftware>[0]>) =>
  isSoftware({
    vendor: "",
    architecture: "",
    device: "",
    description: "",
    isFallbackAdapter: false,
    ...names,
  });

test.each([
  { vendor: "google", architecture: "swiftshader" },
  { vendor: "mesa", description: "llvmpipe (LLVM 15.0.7, 256 bits)" },
  { description: "Microsoft Basic Render Driver" },
  // Dawn sets this for every adapter of its type CPU.
  { vendor: "somebody", isFallbackAdapter: true },
])("%j is software", (names) => {
  expect(adapter(names)).toBe(true);
});

test.each([
  { vendor: "nvidia", architecture: "hopper", description: "NVIDIA H100" },
  { vendor: "apple", architecture: "metal-3" },
  { vendor: "intel", description: "Intel(R) Arc(tm) Graphics" },
  {},
])("%j is a GPU", (names) => {
  expect(adapter(names)).toBe(false);
});
