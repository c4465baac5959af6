// Sharing a step among threads over one memory. Thread 0 runs the table; a step that is worth it is cut into pieces,
// and whoever counts the open pieces down by one has claimed a piece. A claim that succeeds keeps the step from ending,
// so what a thread reads afterwards is of that step; one that fails claims nothing. So a helper that was held up before
// its claim keeps nobody waiting and can never work on the wrong step.
import * as ids from "../src/ids";

/** Pieces are counted from here, so that claims that come too late do not wrap. */
const NONE: i32 = 1 << 20;

/** Turns that a helper spins before it sleeps: longer than the host takes from one run to the next. */
const PATIENCE: u32 = 1 << 14;
/** Turns that thread 0 waits for helpers before it takes them for held up by the system, and works alone for a while. */
const LATE: u32 = 1 << 13;
/** Turns after which a helper must be gone. */
const LOST: u32 = 1 << 29;
/** Pieces that thread 0 does alone after helpers were late: twice as many each time, until it went well for a while. */
const FIRST_REST: u32 = 1 << 13;
const LONGEST_REST: u32 = 1 << 18;

@inline function get(control: usize, word: u32): u32 {
  return atomic.load<u32>(control + (<usize>word << 2));
}

@inline function set(control: usize, word: u32, value: u32): void {
  atomic.store<u32>(control + (<usize>word << 2), value);
}

/** Whether thread 0 may share the next step, of so many pieces of the usual length. */
export function mayShare(control: usize, pieces: u32): bool {
  if (get(control, ids.HELPERS) == 0) return false;
  const rest = get(control, ids.REST);
  if (rest == 0) return true;
  set(control, ids.REST, rest > pieces ? rest - pieces : 0);
  return false;
}

/** Opens a step; helpers see it from now on. */
export function open(control: usize, p: usize, pieces: u32): void {
  set(control, ids.DONE, 0);
  set(control, ids.STEP, <u32>p);
  set(control, ids.OPEN, <u32>(NONE + <i32>pieces));
  // The pieces of a prompt take longer than helpers are patient, so they may have gone to sleep since the run began.
  if (get(control, ids.SLEEPERS) > 0) rouse(control);
}

function rouse(control: usize): void {
  atomic.add<u32>(control + (<usize>ids.WAKE << 2), 1);
  atomic.notify(control + (<usize>ids.WAKE << 2), -1);
}

/** Claims a piece of the open step: how many were left, 0 when none was. */
@inline export function claim(control: usize): u32 {
  const before = <i32>atomic.sub<u32>(control + (<usize>ids.OPEN << 2), 1);
  return before > NONE ? <u32>(before - NONE) : 0;
}

@inline export function openStep(control: usize): usize {
  return <usize>get(control, ids.STEP);
}

@inline export function report(control: usize): void {
  atomic.add<u32>(control + (<usize>ids.DONE << 2), 1);
}

/** Waits until all pieces are done; false when a helper has failed in the midst of one, or must have died with it. */
export function join(control: usize, pieces: u32, weight: u32): bool {
  let turns: u32 = 0;
  while (get(control, ids.DONE) != pieces) {
    if (++turns > LOST || get(control, ids.STOP) != 0) return false;
    pause(control);
  }
  // A helper may rightly be busy for as long as one piece takes.
  if (turns > LATE * weight) {
    const before = get(control, ids.PENALTY);
    const penalty = before < FIRST_REST ? FIRST_REST : before < LONGEST_REST ? before << 1 : LONGEST_REST;
    set(control, ids.PENALTY, penalty);
    set(control, ids.REST, penalty);
  } else {
    // Forgiven by half in some 1,400 steps that went well, ten tokens or so: beside a program that keeps the core busy a
    // helper is late every few milliseconds, and must not be trusted again after each.
    const penalty = get(control, ids.PENALTY);
    if (penalty > 0) set(control, ids.PENALTY, penalty - 1 - (penalty >> 11));
  }
  return true;
}

/** Tells helpers that a run begins; while they rest they may sleep on, for waking them would only take the core away. */
export function wake(control: usize): void {
  if (get(control, ids.HELPERS) == 0 || get(control, ids.REST) > 0) return;
  rouse(control);
}

/**
 * Waits for an open step: spins, then sleeps. False when helpers are to end.
 *
 * No step opens beside a sleeper, and no stop passes one by. All accesses are sequentially consistent. A helper counts
 * itself among SLEEPERS before it looks at OPEN for the last time; thread 0 writes OPEN before it looks at SLEEPERS. So
 * either the helper sees the step, or thread 0 sees the sleeper and moves WAKE on. In that case, and for STOP, which is
 * written before WAKE is moved, WAKE was read before: a sleep that begins with an old value of it ends at once.
 */
export function awaitStep(control: usize): bool {
  let wakes = get(control, ids.WAKE);
  while (get(control, ids.STOP) == 0) {
    for (let turn: u32 = 0; turn < PATIENCE; turn++) {
      if (isOpen(control)) return true;
      pause(control);
    }
    atomic.add<u32>(control + (<usize>ids.SLEEPERS << 2), 1);
    if (!isOpen(control)) atomic.wait<i32>(control + (<usize>ids.WAKE << 2), <i32>wakes, -1);
    atomic.sub<u32>(control + (<usize>ids.SLEEPERS << 2), 1);
    wakes = get(control, ids.WAKE);
  }
  return false;
}

@inline function isOpen(control: usize): bool {
  return <i32>get(control, ids.OPEN) > NONE;
}

/** Some cycles that leave the words others write alone: it reads one that hardly changes, from this core's own cache. */
@inline function pause(control: usize): void {
  for (let k = 0; k < 16; k++) get(control, ids.STOP);
}
