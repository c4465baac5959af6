/**
 * Counts what each tenant was served, so that those who wait share slots evenly however much each asks for: the virtual
 * token counter of Sheng et al. 2024, "Fairness in Serving Large Language Models" (arXiv 2401.00588), section 4.
 */
export interface Counters {
  readonly served: ReadonlyMap<string, number>;
  /** A tenant asks for something; `active` are those who wait or run at this moment. */
  arrive(tenant: string, active: Iterable<string>): void;
  /** So many tokens were computed for a tenant. */
  count(tenant: string, tokens: number): void;
}

/** Tenants that are remembered; more than ever wait at once, and few enough to cost nothing. */
const REMEMBERED = 10_000;

export function createCounters(): Counters {
  const served = new Map<string, number>();
  return {
    served,
    arrive(tenant, active) {
      const others = [...active].flatMap((one) => served.get(one) ?? []);
      // Nobody saves up what was not used: who comes back starts level with the least served.
      const level = others.length > 0 ? Math.min(...others) : 0;
      const known = Math.max(served.get(tenant) ?? 0, level);
      served.delete(tenant);
      served.set(tenant, known);
      const eldest = served.keys().next().value;
      if (served.size > REMEMBERED && eldest !== undefined) served.delete(eldest);
    },
    count(tenant, tokens) {
      served.set(tenant, (served.get(tenant) ?? 0) + tokens);
    },
  };
}
