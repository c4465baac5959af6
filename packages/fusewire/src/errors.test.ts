import { expect, test } from "vitest";
import { Interrupted, reporting } from "./errors.ts";
import { testIo } from "./testing/run.ts";

test("what is no FusewireError is a defect, told in one line with the way to its trace", async () => {
  const io = testIo();
  const code = await reporting(io, async () => {
    throw new TypeError("x is not\n  a function");
  });
  expect(code).toBe(1);
  expect(io.read().stderr).toBe(
    "error: a defect in Fusewire: x is not a function; run again with FUSEWIRE_DEBUG=1 for the trace, and report it\n",
  );
});

test("an interrupted command ends with 130 and says nothing more", async () => {
  const io = testIo();
  const code = await reporting(io, async () => {
    throw new Interrupted();
  });
  expect(code).toBe(130);
  expect(io.read()).toEqual({ stdout: "", stderr: "" });
});
