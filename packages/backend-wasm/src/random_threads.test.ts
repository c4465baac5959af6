/** Whole random graphs on one to four threads, every step cut into pieces of one unit however small it is. */
import type { Engine } from "@fusewire/passes";
import { expectRandomAgreement } from "@fusewire/passes/testing";
import { test, vi } from "vitest";
import type { WasmOptions } from "./engine.ts";

/** An engine of its own, whose steps are shared wherever they have two units. */
async function createSharing(options: WasmOptions): Promise<Engine> {
  vi.resetModules();
  vi.doMock("./encode/writer.ts", async (original) => ({
    ...(await original<typeof import("./encode/writer.ts")>()),
    grainFor: (units: number) => (units < 2 ? 0 : 1),
  }));
  try {
    const { createWasmEngine } = await import("./engine.ts");
    return await createWasmEngine(options);
  } finally {
    vi.doUnmock("./encode/writer.ts");
    vi.resetModules();
  }
}

test.each([1, 2, 3, 4].flatMap((threads) => [true, false].map((relaxed) => ({ threads, relaxed }))))(
  "computes what the interpreter does: $threads threads, relaxed SIMD $relaxed",
  async (options) => {
    const engine = await createSharing(options);
    try {
      await expectRandomAgreement(engine, 25);
    } finally {
      engine.dispose();
    }
  },
);
