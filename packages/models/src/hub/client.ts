import { FusewireError } from "@fusewire/ir";
import { createFetch } from "#fetch";

/** How requests are sent. */
export interface Transport {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Failures in a row, without a new byte between them, after which the hub counts as unreachable. */
  readonly attempts: number;
  /** The first pause before another attempt; each later one is twice as long. */
  readonly delayMs: number;
  /** The longest silence, before an answer or within it. */
  readonly timeoutMs: number;
}

export const defaultTransport = (): Transport => ({
  fetch: createFetch(),
  attempts: 5,
  delayMs: 500,
  timeoutMs: 20_000,
});

/** One model of one hub, and the right to ask for it. */
export interface HubClient {
  readonly endpoint: string;
  readonly name: string;
  readonly revision: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly transport: Transport;
}

/** Rejects a token that no header can carry, without repeating it. */
export function checkToken(token: string): string {
  const trimmed = token.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw new FusewireError("the token is empty or has characters that tokens do not have; copy it again");
  return trimmed;
}
