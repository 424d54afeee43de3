// Work that is done in pieces between frames, so that the page stays responsive.

const BUDGET_MS = 12; // of each frame, for all queues together
const queues = new Set();
let waiting = false;

/** A queue that does the newest list of tasks, some in each frame. */
export function queue() {
  const own = { tasks: [] };
  queues.add(own);
  return (tasks) => {
    own.tasks = tasks;
    if (!waiting && tasks.length) {
      waiting = true;
      requestAnimationFrame(work);
    }
  };
}

/** A task of each queue in turn, until the frame's time is over. */
function work() {
  const begun = performance.now();
  let left = [...queues].filter(({ tasks }) => tasks.length);
  try {
    while (left.length && performance.now() - begun < BUDGET_MS) {
      for (const { tasks } of left) tasks.shift()();
      left = left.filter(({ tasks }) => tasks.length);
    }
  } finally { // also if a task fails
    waiting = [...queues].some(({ tasks }) => tasks.length);
    if (waiting) requestAnimationFrame(work);
  }
}
