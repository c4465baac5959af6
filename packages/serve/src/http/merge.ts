/** What several generators yield, as it comes, each with its number. */
export async function* merge<T>(
  generators: readonly AsyncGenerator<T, void>[],
): AsyncGenerator<{ readonly index: number; readonly value: T }, void> {
  const ask = (index: number) => generators[index]!.next().then((step) => ({ index, step }));
  const asked = new Map(generators.map((_, index) => [index, ask(index)]));
  try {
    while (asked.size > 0) {
      const { index, step } = await Promise.race(asked.values());
      if (step.done) asked.delete(index);
      else {
        asked.set(index, ask(index));
        yield { index, value: step.value };
      }
    }
  } finally {
    // One that failed first is what the caller hears of; the others' failures are of no interest.
    await Promise.allSettled(generators.map((generator) => generator.return()));
    await Promise.allSettled(asked.values());
  }
}
