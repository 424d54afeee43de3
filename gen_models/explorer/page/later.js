// Work that is done in pieces between frames, so that the page stays responsive.

const BUDGET_MS = 12; // of each frame

/** A queue that does the newest list of tasks, some in each frame. */
export function queue() {
  let tasks = [];
  let waiting = false;
  function work() {
    const begun = performance.now();
    while (tasks.length && performance.now() - begun < BUDGET_MS) tasks.shift()();
    waiting = tasks.length > 0;
    if (waiting) requestAnimationFrame(work);
  }
  return (list) => {
    tasks = list;
    if (!waiting && tasks.length) {
      waiting = true;
      requestAnimationFrame(work);
    }
  };
}
