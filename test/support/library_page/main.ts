/** Puts the library where tests can reach it from outside the page. */
import * as fusewire from "fusewire";

declare global {
  var library: typeof fusewire;
}

globalThis.library = fusewire;
document.body.dataset.state = "ready";
