// Access to the words of a step. An operand is two words: the address of a cell that holds the buffer's address, and
// an offset, so that one table serves any states and any place of the scratch memory.

@inline export function word(p: usize, i: u32): u32 {
  return load<u32>(p + (<usize>i << 2));
}

@inline export function number(p: usize, i: u32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

@inline export function operand(p: usize, i: u32): usize {
  return <usize>load<u32>(<usize>word(p, i)) + <usize>word(p, i + 1);
}

@inline export function minOf(a: u32, b: u32): u32 {
  return a < b ? a : b;
}
