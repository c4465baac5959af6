import { FusewireError } from "@fusewire/ir";

const POWERS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** Bytes from a number, or from a text such as `6GiB` or `500MB` as Hugging Face takes them. */
export function memorySize(value: number | string): number {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)?\s*$/i.exec(String(value)) ?? [];
  const bytes = Math.floor(Number(number) * (POWERS[(unit ?? "B").toUpperCase()] ?? Number.NaN));
  if (!(bytes > 0))
    throw new FusewireError(
      `max_memory must be a number of bytes or a size such as "6GiB", not ${JSON.stringify(value)}`,
    );
  return bytes;
}
