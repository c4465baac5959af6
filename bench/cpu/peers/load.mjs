// Here, so that names are looked up among the peers.

/** The module, or undefined where the peers are not installed. */
export const loadPeer = (name) => import(name).catch(() => undefined);
