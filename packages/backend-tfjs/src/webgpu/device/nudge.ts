/**
 * Waits for what the GPU computes where the browser looks only now and then whether it is there: Firefox looks every
 * 100 ms, and at each submit (Mozilla bug 1870699). So empty submits are sent while something is awaited.
 */
export async function nudged<T>(queue: { submit(buffers: readonly []): void }, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const nudge = (): void => {
    queue.submit([]);
    timer = setTimeout(nudge, EVERY);
  };
  timer = setTimeout(nudge, EVERY);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds; browsers make 4 of it from the fifth time on. */
const EVERY = 1;
