export function loadPeer(name: string): Promise<unknown>;
