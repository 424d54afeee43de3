// Tasks of two queues, of which one fails: on standard output those that were done.

import { queue } from "../../gen_models/explorer/page/later.js";

const done = [];
globalThis.requestAnimationFrame = (work) => setTimeout(work);
process.on("uncaughtException", (error) => done.push(error.message));
const task = (name) => () => done.push(name);
const fails = () => {
  throw new Error("failed");
};
queue()([task("a"), fails, task("b")]);
const other = queue();
other([task("c")]);
setTimeout(() => other([task("d")]), 50);
setTimeout(() => process.stdout.write(JSON.stringify(done)), 200);
