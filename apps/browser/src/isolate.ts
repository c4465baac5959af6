const TRIED = "fusewire-isolation";

/**
 * On a host that cannot set headers: lets a service worker add those that threads need (see isolation.js), and loads
 * the page again, once. True when that is under way. Without it the model runs on one thread.
 */
export async function isolate(): Promise<boolean> {
  if (crossOriginIsolated || !isSecureContext || !("serviceWorker" in navigator)) return false;
  try {
    // Private windows forbid one or the other, and a page that is not isolated by now never will be.
    if (sessionStorage.getItem(TRIED) !== null) return false;
    sessionStorage.setItem(TRIED, "1");
    await navigator.serviceWorker.register("./isolation.js");
    await navigator.serviceWorker.ready;
  } catch {
    return false;
  }
  location.reload();
  return true;
}
