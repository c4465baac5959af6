/** How a page sends requests. */
export type Fetch = (url: string | URL, init: RequestInit) => Promise<Response>;

/** The page's own fetch: browsers know their proxies. */
export const createFetch = (): Fetch => (url, init) => fetch(url, init);
