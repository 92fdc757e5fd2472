// A page asks many questions at once: they are asked in its order, a few at a time, so that what stands on top is there first.

const AT_ONCE = 3;
const waiting = [];
let running = 0;

/** Resolves to what `work()` gives, when its turn has come; rejects as it does, or as aborted. */
export async function inTurn(work, signal) {
  if (running < AT_ONCE) running += 1;
  else await new Promise((resolve) => waiting.push(resolve)); // who ends hands the turn on
  try {
    signal?.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
